BEGIN TRANSACTION;
CREATE TABLE hpsearch_alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	PRIMARY KEY (version_num)
);
INSERT INTO "hpsearch_alembic_version" VALUES('0001');
CREATE TABLE hpsearch_cursors (
	study_id INTEGER NOT NULL, 
	target TEXT NOT NULL, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_hpsearch_cursors PRIMARY KEY (study_id, target), 
	CONSTRAINT fk_hpsearch_cursors_hpsearch_studies FOREIGN KEY(study_id) REFERENCES hpsearch_studies (id)
);
INSERT INTO "hpsearch_cursors" VALUES(2,'4ae934c2f0043434',23);
CREATE TABLE hpsearch_decisions (
	study_id INTEGER NOT NULL, 
	revision BIGINT NOT NULL, 
	place INTEGER NOT NULL, 
	number INTEGER, 
	step INTEGER, 
	kind TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_hpsearch_decisions PRIMARY KEY (study_id, revision, place), 
	CONSTRAINT fk_hpsearch_decisions_hpsearch_studies FOREIGN KEY(study_id) REFERENCES hpsearch_studies (id)
)
 WITHOUT ROWID

;
INSERT INTO "hpsearch_decisions" VALUES(1,2,0,0,0,'propose','random draw 1 of 2',1795266929221);
INSERT INTO "hpsearch_decisions" VALUES(1,3,0,0,2,'complete','trained all 2 epochs',1795266930205);
INSERT INTO "hpsearch_decisions" VALUES(1,3,1,1,0,'propose','random draw 2 of 2',1795266930205);
INSERT INTO "hpsearch_decisions" VALUES(1,4,0,1,2,'complete','trained all 2 epochs',1795266930212);
INSERT INTO "hpsearch_decisions" VALUES(2,2,0,0,0,'propose','round 1: drawn anywhere in the space',1795266931001);
INSERT INTO "hpsearch_decisions" VALUES(2,4,0,0,2,'paused','trained to epoch 2, as far as round 1 goes',1795266931873);
INSERT INTO "hpsearch_decisions" VALUES(2,4,1,1,0,'propose','round 1: drawn anywhere in the space',1795266931873);
INSERT INTO "hpsearch_decisions" VALUES(2,6,0,1,2,'paused','trained to epoch 2, as far as round 1 goes',1795266931941);
INSERT INTO "hpsearch_decisions" VALUES(2,6,1,2,0,'propose','round 1: drawn anywhere in the space',1795266931941);
INSERT INTO "hpsearch_decisions" VALUES(2,8,0,2,2,'paused','trained to epoch 2, as far as round 1 goes',1795266932012);
INSERT INTO "hpsearch_decisions" VALUES(2,8,1,3,0,'propose','round 1: drawn anywhere in the space',1795266932012);
INSERT INTO "hpsearch_decisions" VALUES(2,10,0,3,2,'pruned','diverged: val_loss is nan at epoch 2',1795266932081);
INSERT INTO "hpsearch_decisions" VALUES(2,10,1,4,0,'propose','round 1: drawn anywhere in the space',1795266932081);
INSERT INTO "hpsearch_decisions" VALUES(2,11,0,4,1,'pruned','median: val_loss 0.3627 at epoch 1 is worse than 0.2254, the median of 4 others',1795266932121);
INSERT INTO "hpsearch_decisions" VALUES(2,11,1,5,0,'propose','round 1: drawn anywhere in the space',1795266932122);
INSERT INTO "hpsearch_decisions" VALUES(2,13,0,5,2,'paused','trained to epoch 2, as far as round 1 goes',1795266932255);
INSERT INTO "hpsearch_decisions" VALUES(2,13,1,6,0,'propose','round 1: drawn anywhere in the space',1795266932255);
INSERT INTO "hpsearch_decisions" VALUES(2,15,0,6,1,'failed','ValueError: x = 0.8572419555085227 is too much — größer als erlaubt',1795266932321);
INSERT INTO "hpsearch_decisions" VALUES(2,15,1,7,0,'propose','round 1: drawn anywhere in the space',1795266932321);
INSERT INTO "hpsearch_decisions" VALUES(2,16,0,7,1,'pruned','median: val_loss 0.3219 at epoch 1 is worse than 0.2037, the median of 7 others',1795266932349);
INSERT INTO "hpsearch_decisions" VALUES(2,16,1,8,0,'propose','round 1: drawn anywhere in the space',1795266932349);
INSERT INTO "hpsearch_decisions" VALUES(2,17,0,8,1,'pruned','median: val_loss 0.6281 at epoch 1 is worse than 0.2628, the median of 8 others',1795266932412);
INSERT INTO "hpsearch_decisions" VALUES(2,17,1,1,2,'continue','round 2: rank 1 of 9 (val_loss 0.03801), trained on to epoch 4',1795266932412);
INSERT INTO "hpsearch_decisions" VALUES(2,19,0,1,4,'paused','trained to epoch 4, as far as round 2 goes',1795266932480);
INSERT INTO "hpsearch_decisions" VALUES(2,19,1,5,2,'continue','round 2: rank 2 of 9 (val_loss 0.1146), trained on to epoch 4',1795266932480);
INSERT INTO "hpsearch_decisions" VALUES(2,21,0,5,4,'paused','trained to epoch 4, as far as round 2 goes',1795266932541);
INSERT INTO "hpsearch_decisions" VALUES(2,21,1,9,0,'propose','round 2: drawn in windows round the best: x [0.386, 0.725], drift [0.1, 0.3] (moved)',1795266932541);
CREATE TABLE hpsearch_leases (
	study_id INTEGER NOT NULL, 
	token BIGINT NOT NULL, 
	revision BIGINT NOT NULL, 
	holder VARCHAR(32), 
	pid BIGINT, 
	host TEXT, 
	boot TEXT, 
	space TEXT, 
	started TEXT, 
	ttl DOUBLE, 
	beat_wall DOUBLE, 
	beat_boot DOUBLE, 
	CONSTRAINT pk_hpsearch_leases PRIMARY KEY (study_id), 
	CONSTRAINT fk_hpsearch_leases_hpsearch_studies FOREIGN KEY(study_id) REFERENCES hpsearch_studies (id)
);
INSERT INTO "hpsearch_leases" VALUES(1,1,5,NULL,9807,'gauss','00000000-0000-4000-8000-000000000001','pid:[4026531836]','90925',15.0,1735689600.0,910.804044551);
INSERT INTO "hpsearch_leases" VALUES(2,1,23,'e119f6774e374b2d83980ad46b88e83f',9832,'gauss','00000000-0000-4000-8000-000000000001','pid:[4026531836]','91107',15.0,1735689600.0,913.206241271);
CREATE TABLE hpsearch_reports (
	study_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	metrics TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_hpsearch_reports PRIMARY KEY (study_id, number, step), 
	CONSTRAINT fk_hpsearch_reports_hpsearch_trials FOREIGN KEY(study_id, number) REFERENCES hpsearch_trials (study_id, number)
)
 WITHOUT ROWID

;
INSERT INTO "hpsearch_reports" VALUES(1,0,1,'{"val_loss": 0.28469507386310827, "weight norm": Infinity}',1795266930205,3);
INSERT INTO "hpsearch_reports" VALUES(1,0,2,'{"val_loss": 0.0436981590865233, "weight norm": 0.6145789397365992}',1795266930205,3);
INSERT INTO "hpsearch_reports" VALUES(1,1,1,'{"val_loss": 0.24031973249797045, "weight norm": Infinity}',1795266930212,4);
INSERT INTO "hpsearch_reports" VALUES(1,1,2,'{"val_loss": 0.5564636498512825, "weight norm": 0.929544208494929}',1795266930212,4);
INSERT INTO "hpsearch_reports" VALUES(2,0,1,'{"val_loss": 0.7710143947475787, "weight norm": Infinity}',1795266931841,3);
INSERT INTO "hpsearch_reports" VALUES(2,0,2,'{"val_loss": 0.256183438400798, "weight norm": 0.3688974434667514}',1795266931873,4);
INSERT INTO "hpsearch_reports" VALUES(2,1,1,'{"val_loss": 0.038013926662564534, "weight norm": Infinity}',1795266931911,5);
INSERT INTO "hpsearch_reports" VALUES(2,1,2,'{"val_loss": 0.4342070910239775, "weight norm": 0.9203783629215603}',1795266931941,6);
INSERT INTO "hpsearch_reports" VALUES(2,1,3,'{"val_loss": 0.7343454338701889, "weight norm": 1.2205167057677717}',1795266932453,18);
INSERT INTO "hpsearch_reports" VALUES(2,1,4,'{"val_loss": 0.7337073307042798, "weight norm": 1.2198786026018626}',1795266932480,19);
INSERT INTO "hpsearch_reports" VALUES(2,2,1,'{"val_loss": 0.32317075049890853, "weight norm": Infinity}',1795266931984,7);
INSERT INTO "hpsearch_reports" VALUES(2,2,2,'{"val_loss": 0.8470574681781844, "weight norm": 1.0485360834302069}',1795266932012,8);
INSERT INTO "hpsearch_reports" VALUES(2,3,1,'{"val_loss": 0.12762611989312006, "weight norm": Infinity}',1795266932050,9);
INSERT INTO "hpsearch_reports" VALUES(2,3,2,'{"val_loss": NaN, "weight norm": 0.6127417576130376}',1795266932081,10);
INSERT INTO "hpsearch_reports" VALUES(2,4,1,'{"val_loss": 0.3626915504205227, "weight norm": Infinity}',1795266932121,11);
INSERT INTO "hpsearch_reports" VALUES(2,5,1,'{"val_loss": 0.11459359870863217, "weight norm": Infinity}',1795266932162,12);
INSERT INTO "hpsearch_reports" VALUES(2,5,2,'{"val_loss": 0.27988899032015535, "weight norm": 0.25194910343767973}',1795266932255,13);
INSERT INTO "hpsearch_reports" VALUES(2,5,3,'{"val_loss": 0.2922422926805639, "weight norm": 0.824080386438399}',1795266932516,20);
INSERT INTO "hpsearch_reports" VALUES(2,5,4,'{"val_loss": 0.5944607103337876, "weight norm": 1.1262988040916226}',1795266932541,21);
INSERT INTO "hpsearch_reports" VALUES(2,6,1,'{"val_loss": 0.20365508190279513, "weight norm": Infinity}',1795266932285,14);
INSERT INTO "hpsearch_reports" VALUES(2,7,1,'{"val_loss": 0.3218506928064917, "weight norm": Infinity}',1795266932349,16);
INSERT INTO "hpsearch_reports" VALUES(2,8,1,'{"val_loss": 0.6280831339100106, "weight norm": Infinity}',1795266932412,17);
INSERT INTO "hpsearch_reports" VALUES(2,9,1,'{"val_loss": 0.18076003116261202, "weight norm": Infinity}',1795266932588,22);
INSERT INTO "hpsearch_reports" VALUES(2,9,2,'{"val_loss": 0.016909079739182153, "weight norm": 0.406175492388123}',1795266932615,23);
CREATE TABLE hpsearch_studies (
	id INTEGER NOT NULL, 
	uid VARCHAR(32) NOT NULL, 
	name TEXT NOT NULL, 
	spec TEXT NOT NULL, 
	identity TEXT NOT NULL, 
	state TEXT NOT NULL, 
	forked_from TEXT, 
	created_at BIGINT NOT NULL, 
	hpsearch_version TEXT NOT NULL, 
	CONSTRAINT pk_hpsearch_studies PRIMARY KEY (id), 
	CONSTRAINT uq_hpsearch_studies_name UNIQUE (name)
);
INSERT INTO "hpsearch_studies" VALUES(1,'43ac1c63b1d34fa3a30c705442871f9b','sprint','{"study": {"name": "sprint", "metric": "val_loss", "goal": "minimize", "seed": 12, "at": "last"}, "trainer": {"use": "tests.journal.veteran:train", "epochs": 2, "options": {"pace": 0.0}}, "space": {"x": {"low": 0.2, "high": 0.8}}, "search": {"method": "random", "trials": 2}, "prune": {"method": "never"}, "resources": {"address": "none", "per_trial": {"cpus": 1.0, "gpus": 0.0}}, "limits": {"retries": 2, "max_failures": 5}, "journal": {}, "tracking": {"mlflow": "none"}}','{"study": {"metric": "val_loss", "goal": "minimize", "seed": 12, "at": "last"}, "trainer": {"use": "tests.journal.veteran:train", "epochs": 2, "options": {"pace": 0.0}}, "space": {"x": {"low": 0.2, "high": 0.8}}, "search": {"method": "random"}, "prune": {"method": "never"}, "early_stopping": {}}','COMPLETE',NULL,1795266929208,'0.1.0');
INSERT INTO "hpsearch_studies" VALUES(2,'703b623429744a96a95453f2de23dc91','veteran','{"study": {"name": "veteran", "metric": "val_loss", "goal": "minimize", "seed": 11, "at": "best"}, "trainer": {"use": "tests.journal.veteran:train", "epochs": 6, "options": {"pace": 0.022}}, "space": {"x": {"low": 0.0, "high": 1.0}, "kind": ["plain", "schr\u00e4g"], "drift": {"low": 0.1, "high": 0.5, "when": {"kind": ["plain"]}}}, "search": {"method": "coarse-to-fine", "rounds": [{"trials": 9, "epochs": 2}, {"trials": 4, "epochs": 4}, {"trials": 2, "epochs": 6}], "keep": 0.5, "top": 0.25, "margin": 0.1}, "prune": {"method": "median", "startup_trials": 3, "warmup_epochs": 0, "interval": 1}, "resources": {"address": "none", "per_trial": {"cpus": 1.0, "gpus": 0.0}}, "limits": {"retries": 2, "max_failures": 5}, "journal": {}, "tracking": {}}','{"study": {"metric": "val_loss", "goal": "minimize", "seed": 11, "at": "best"}, "trainer": {"use": "tests.journal.veteran:train", "epochs": 6, "options": {"pace": 0.022}}, "space": {"x": {"low": 0.0, "high": 1.0}, "kind": ["plain", "schr\u00e4g"], "drift": {"low": 0.1, "high": 0.5, "when": {"kind": ["plain"]}}}, "search": {"method": "coarse-to-fine", "keep": 0.5, "top": 0.25, "margin": 0.1}, "prune": {"method": "median", "startup_trials": 3, "warmup_epochs": 0, "interval": 1}, "early_stopping": {}}','RUNNING',NULL,1795266930984,'0.1.0');
CREATE TABLE hpsearch_trials (
	study_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	params TEXT NOT NULL, 
	seed BIGINT NOT NULL, 
	until INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	round INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	settled INTEGER NOT NULL, 
	settled_before INTEGER NOT NULL, 
	busy DOUBLE NOT NULL, 
	error TEXT NOT NULL, 
	epoch INTEGER NOT NULL, 
	value DOUBLE, 
	loss DOUBLE, 
	best_epoch INTEGER, 
	proposed_at BIGINT NOT NULL, 
	ended_at BIGINT NOT NULL, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_hpsearch_trials PRIMARY KEY (study_id, number), 
	CONSTRAINT fk_hpsearch_trials_hpsearch_studies FOREIGN KEY(study_id) REFERENCES hpsearch_studies (id)
)
 WITHOUT ROWID

;
INSERT INTO "hpsearch_trials" VALUES(1,0,'{"x": 0.5708807806500759}',2025955057,2,'COMPLETE',1,'trained all 2 epochs','random draw 1 of 2',1,1,0,4.84306999965156137477e-04,'',2,0.0436981590865233,0.0436981590865233,2,1795266929221,1795266930205,3);
INSERT INTO "hpsearch_trials" VALUES(1,1,'{"x": 0.37308055864364653}',1489823573,2,'COMPLETE',1,'trained all 2 epochs','random draw 2 of 2',1,2,1,4.42336999981307599227e-04,'',2,5.56463649851282493585e-01,5.56463649851282493585e-01,2,1795266930205,1795266930212,4);
INSERT INTO "hpsearch_trials" VALUES(2,0,'{"x": 0.6250808818675494, "kind": "schr\u00e4g"}',352609964,2,'PAUSED',1,'trained to epoch 2, as far as round 1 goes','round 1: drawn anywhere in the space',1,1,0,4.5615869000016573409e-02,'',2,0.256183438400798,0.256183438400798,2,1795266931001,1795266931873,4);
INSERT INTO "hpsearch_trials" VALUES(2,1,'{"x": 0.4861712718975828, "kind": "plain", "drift": 0.10248830391638647}',1690379211,4,'PAUSED',2,'trained to epoch 4, as far as round 2 goes','round 1: drawn anywhere in the space',1,10,1,9.24244959998077320051e-02,'',4,3.80139266625645344532e-02,3.80139266625645344532e-02,1,1795266931873,1795266932480,19);
INSERT INTO "hpsearch_trials" VALUES(2,2,'{"x": 0.20147861525202249, "kind": "plain", "drift": 0.14908870000648294}',1043107172,2,'PAUSED',1,'trained to epoch 2, as far as round 1 goes','round 1: drawn anywhere in the space',1,3,2,4.64241029999357124324e-02,'',2,3.23170750498908532222e-01,3.23170750498908532222e-01,1,1795266931941,1795266932012,8);
INSERT INTO "hpsearch_trials" VALUES(2,3,'{"x": 0.06238987889483727, "kind": "schr\u00e4g"}',45081323,2,'PRUNED',1,'diverged: val_loss is nan at epoch 2','round 1: drawn anywhere in the space',1,4,3,4.45680139999922175775e-02,'',2,NULL,NULL,NULL,1795266932012,1795266932081,10);
INSERT INTO "hpsearch_trials" VALUES(2,4,'{"x": 0.14826027357175786, "kind": "plain", "drift": 0.4025261729063079}',938152750,2,'PRUNED',1,'median: val_loss 0.3627 at epoch 1 is worse than 0.2254, the median of 4 others','round 1: drawn anywhere in the space',1,5,4,2.47194160000390183995e-02,'',1,3.62691550420522701436e-01,3.62691550420522701436e-01,1,1795266932081,1795266932121,11);
INSERT INTO "hpsearch_trials" VALUES(2,5,'{"x": 0.5318380937578351, "kind": "plain", "drift": 0.33968518184747776}',1182187418,4,'PAUSED',2,'trained to epoch 4, as far as round 2 goes','round 1: drawn anywhere in the space',1,11,5,1.03369442999905913893e-01,'',4,1.14593598708632171678e-01,1.14593598708632171678e-01,1,1795266932122,1795266932541,21);
INSERT INTO "hpsearch_trials" VALUES(2,6,'{"x": 0.8572419555085227, "kind": "plain", "drift": 0.2671754135132278}',325185313,2,'FAILED',1,'ValueError: x = 0.8572419555085227 is too much — größer als erlaubt','round 1: drawn anywhere in the space',1,7,6,5.82647240000824240269e-02,'Traceback (most recent call last):
  File "/home/ada/hpsearch/hpsearch/worker.py", line 171, in slice
    ended = self._train(fresh, keeper, began, waited)
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/home/ada/hpsearch/hpsearch/worker.py", line 189, in _train
    report = self._next()
             ^^^^^^^^^^^^
  File "/home/ada/hpsearch/hpsearch/worker.py", line 203, in _next
    report = next(self.reports)
             ^^^^^^^^^^^^^^^^^^
  File "/home/ada/hpsearch/tests/journal/veteran.py", line 20, in train
    raise ValueError(f"x = {params[''x'']} is too much — größer als erlaubt")
ValueError: x = 0.8572419555085227 is too much — größer als erlaubt',1,2.03655081902795132009e-01,2.03655081902795132009e-01,1,1795266932255,1795266932321,15);
INSERT INTO "hpsearch_trials" VALUES(2,7,'{"x": 0.7888364295998244, "kind": "plain", "drift": 0.4619699724159936}',2137039049,2,'PRUNED',1,'median: val_loss 0.3219 at epoch 1 is worse than 0.2037, the median of 7 others','round 1: drawn anywhere in the space',1,8,7,2.30504099999961908906e-02,'',1,3.21850692806491700537e-01,3.21850692806491700537e-01,1,1795266932321,1795266932349,16);
INSERT INTO "hpsearch_trials" VALUES(2,8,'{"x": 0.7869785419864199, "kind": "schr\u00e4g"}',1773144820,2,'PRUNED',1,'median: val_loss 0.6281 at epoch 1 is worse than 0.2628, the median of 8 others','round 1: drawn anywhere in the space',1,9,8,2.3065943999995397462e-02,'',1,6.28083133910010582567e-01,6.28083133910010582567e-01,1,1795266932349,1795266932412,17);
INSERT INTO "hpsearch_trials" VALUES(2,9,'{"x": 0.42308457212730516, "kind": "plain", "drift": 0.23517254106491692}',1050382957,4,'RUNNING',2,'','round 2: drawn in windows round the best: x [0.386, 0.725], drift [0.1, 0.3] (moved)',1,0,11,4.79994759999726738897e-02,'',2,1.69090797391821534567e-02,1.69090797391821534567e-02,2,1795266932541,0,23);
CREATE INDEX ix_hpsearch_trials_study_id_revision ON hpsearch_trials (study_id, revision);
CREATE INDEX ix_hpsearch_reports_study_id_revision ON hpsearch_reports (study_id, revision);
COMMIT;
