BEGIN TRANSACTION;
CREATE TABLE hpsearch_alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	PRIMARY KEY (version_num)
);
INSERT INTO "hpsearch_alembic_version" VALUES('0004');
CREATE TABLE hpsearch_cursors (
	study_id INTEGER NOT NULL, 
	target TEXT NOT NULL, 
	revision BIGINT NOT NULL, 
	CONSTRAINT pk_hpsearch_cursors PRIMARY KEY (study_id, target), 
	CONSTRAINT fk_hpsearch_cursors_hpsearch_studies FOREIGN KEY(study_id) REFERENCES hpsearch_studies (id)
);
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
INSERT INTO "hpsearch_decisions" VALUES(1,2,0,0,0,'propose','random draw 1 of 2',1795953240031);
INSERT INTO "hpsearch_decisions" VALUES(1,3,0,0,2,'complete','trained all 2 epochs',1795953244967);
INSERT INTO "hpsearch_decisions" VALUES(1,3,1,1,0,'propose','random draw 2 of 2',1795953244967);
INSERT INTO "hpsearch_decisions" VALUES(1,4,0,1,2,'complete','trained all 2 epochs',1795953245015);
INSERT INTO "hpsearch_decisions" VALUES(2,2,0,0,0,'propose','random draw 1 of 3',1795953250966);
INSERT INTO "hpsearch_decisions" VALUES(2,3,0,0,4,'complete','trained all 4 epochs',1795953254682);
INSERT INTO "hpsearch_decisions" VALUES(2,3,1,1,0,'propose','random draw 2 of 3',1795953254683);
INSERT INTO "hpsearch_decisions" VALUES(2,4,0,1,2,'wait','trained its share of limits.epochs = 6',1795953254704);
INSERT INTO "hpsearch_decisions" VALUES(3,2,0,NULL,NULL,'preflight','1 checks passed, 1 warned (metrics), 9 skipped (inputs, outputs, loss at start, loss sign, gradients, optimizer, zero_grad, overfits, labels); 0.00399 s an epoch, 255 MiB of memory',1795953265103);
INSERT INTO "hpsearch_decisions" VALUES(3,3,0,NULL,NULL,'round','round 1, coarse: 9 trials of 1 epoch, spread over the whole space',1795953267718);
INSERT INTO "hpsearch_decisions" VALUES(3,3,1,0,0,'propose','round 1: spread over the whole space',1795953267718);
INSERT INTO "hpsearch_decisions" VALUES(3,4,0,0,1,'paused','trained to epoch 1, as far as round 1 goes',1795953267836);
INSERT INTO "hpsearch_decisions" VALUES(3,4,1,1,0,'propose','round 1: spread over the whole space',1795953267837);
INSERT INTO "hpsearch_decisions" VALUES(3,5,0,1,1,'paused','trained to epoch 1, as far as round 1 goes',1795953267867);
INSERT INTO "hpsearch_decisions" VALUES(3,5,1,2,0,'propose','round 1: spread over the whole space',1795953267868);
INSERT INTO "hpsearch_decisions" VALUES(3,6,0,2,1,'paused','trained to epoch 1, as far as round 1 goes',1795953267903);
INSERT INTO "hpsearch_decisions" VALUES(3,6,1,3,0,'propose','round 1: spread over the whole space',1795953267903);
INSERT INTO "hpsearch_decisions" VALUES(3,7,0,3,1,'paused','trained to epoch 1, as far as round 1 goes',1795953267932);
INSERT INTO "hpsearch_decisions" VALUES(3,7,1,4,0,'propose','round 1: spread over the whole space',1795953267933);
INSERT INTO "hpsearch_decisions" VALUES(3,8,0,4,1,'paused','trained to epoch 1, as far as round 1 goes',1795953267964);
INSERT INTO "hpsearch_decisions" VALUES(3,8,1,5,0,'propose','round 1: spread over the whole space',1795953267964);
INSERT INTO "hpsearch_decisions" VALUES(3,9,0,5,1,'paused','trained to epoch 1, as far as round 1 goes',1795953267996);
INSERT INTO "hpsearch_decisions" VALUES(3,9,1,6,0,'propose','round 1: spread over the whole space',1795953267996);
INSERT INTO "hpsearch_decisions" VALUES(3,10,0,6,1,'paused','trained to epoch 1, as far as round 1 goes',1795953268027);
INSERT INTO "hpsearch_decisions" VALUES(3,10,1,7,0,'propose','round 1: spread over the whole space',1795953268028);
INSERT INTO "hpsearch_decisions" VALUES(3,11,0,7,1,'paused','trained to epoch 1, as far as round 1 goes',1795953268055);
INSERT INTO "hpsearch_decisions" VALUES(3,11,1,8,0,'propose','round 1: spread over the whole space',1795953268056);
INSERT INTO "hpsearch_decisions" VALUES(3,12,0,8,1,'paused','trained to epoch 1, as far as round 1 goes',1795953268075);
INSERT INTO "hpsearch_decisions" VALUES(3,12,1,NULL,NULL,'round','round 1 found val_loss 0.05119 (trial 1)',1795953268076);
INSERT INTO "hpsearch_decisions" VALUES(3,12,2,NULL,NULL,'round','round 2: 4 go on and 2 new, to epoch 2: longer than the last',1795953268076);
INSERT INTO "hpsearch_decisions" VALUES(3,12,3,NULL,NULL,'round','x: window [0.304, 0.8] round the best 3 of 9; was [0.2, 0.8]',1795953268076);
INSERT INTO "hpsearch_decisions" VALUES(3,12,4,1,1,'continue','round 2: rank 1 of the 4 that go on, to epoch 2',1795953268076);
INSERT INTO "hpsearch_decisions" VALUES(3,13,0,1,2,'paused','trained to epoch 2, as far as round 2 goes',1795953268152);
INSERT INTO "hpsearch_decisions" VALUES(3,13,1,7,1,'continue','round 2: rank 2 of the 4 that go on, to epoch 2',1795953268152);
INSERT INTO "hpsearch_decisions" VALUES(3,14,0,7,2,'paused','trained to epoch 2, as far as round 2 goes',1795953268200);
INSERT INTO "hpsearch_decisions" VALUES(3,14,1,4,1,'continue','round 2: rank 3 of the 4 that go on, to epoch 2',1795953268200);
INSERT INTO "hpsearch_decisions" VALUES(3,15,0,4,2,'paused','trained to epoch 2, as far as round 2 goes',1795953268239);
INSERT INTO "hpsearch_decisions" VALUES(3,15,1,2,1,'continue','round 2: rank 4 of the 4 that go on, to epoch 2',1795953268239);
INSERT INTO "hpsearch_decisions" VALUES(3,16,0,2,2,'paused','trained to epoch 2, as far as round 2 goes',1795953268291);
INSERT INTO "hpsearch_decisions" VALUES(3,16,1,9,0,'propose','round 2: spread in windows round the best: x [0.304, 0.8]',1795953268292);
INSERT INTO "hpsearch_decisions" VALUES(3,17,0,9,2,'paused','trained to epoch 2, as far as round 2 goes',1795953268328);
INSERT INTO "hpsearch_decisions" VALUES(3,17,1,10,0,'propose','round 2: spread in windows round the best: x [0.304, 0.8]',1795953268329);
INSERT INTO "hpsearch_decisions" VALUES(3,18,0,10,2,'paused','trained to epoch 2, as far as round 2 goes',1795953268360);
INSERT INTO "hpsearch_decisions" VALUES(3,18,1,NULL,NULL,'round','round 2 gained 0.0333: val_loss 0.01788 (trial 7)',1795953268361);
INSERT INTO "hpsearch_decisions" VALUES(3,18,2,NULL,NULL,'round','round 3: 3 go on and 1 new, to epoch 4: longer than the last',1795953268361);
INSERT INTO "hpsearch_decisions" VALUES(3,18,3,NULL,NULL,'round','x: window [0.314, 0.8] round the best 3 of 11; was [0.304, 0.8]',1795953268361);
INSERT INTO "hpsearch_decisions" VALUES(3,18,4,7,2,'continue','round 3: rank 1 of the 3 that go on, to epoch 4',1795953268361);
INSERT INTO "hpsearch_decisions" VALUES(3,19,0,7,4,'complete','trained all 4 epochs',1795953268430);
INSERT INTO "hpsearch_decisions" VALUES(3,19,1,1,2,'continue','round 3: rank 2 of the 3 that go on, to epoch 4',1795953268430);
INSERT INTO "hpsearch_decisions" VALUES(3,20,0,1,4,'complete','trained all 4 epochs',1795953268474);
INSERT INTO "hpsearch_decisions" VALUES(3,20,1,4,2,'continue','round 3: rank 3 of the 3 that go on, to epoch 4',1795953268474);
INSERT INTO "hpsearch_decisions" VALUES(3,21,0,4,4,'complete','trained all 4 epochs',1795953268510);
INSERT INTO "hpsearch_decisions" VALUES(3,21,1,11,0,'propose','round 3: spread in windows round the best: x [0.314, 0.8]',1795953268511);
INSERT INTO "hpsearch_decisions" VALUES(3,22,0,11,4,'complete','trained all 4 epochs',1795953268539);
INSERT INTO "hpsearch_decisions" VALUES(3,22,1,NULL,NULL,'round','round 3 gained nothing: the best is still val_loss 0.01788 (trial 7)',1795953268540);
INSERT INTO "hpsearch_decisions" VALUES(3,22,2,NULL,NULL,'round','round 4: 1 go on, to epoch 4: round again in smaller windows',1795953268540);
INSERT INTO "hpsearch_decisions" VALUES(3,22,3,9,2,'continue','round 4: rank 1 of the 1 that go on, to epoch 4',1795953268540);
INSERT INTO "hpsearch_decisions" VALUES(3,23,0,9,4,'complete','trained all 4 epochs',1795953268614);
INSERT INTO "hpsearch_decisions" VALUES(3,23,1,NULL,NULL,'over','round 4 gained nothing: the best is still val_loss 0.01788 (trial 7); the budget of 30 epochs is spent (1 left)',1795953268614);
INSERT INTO "hpsearch_decisions" VALUES(4,2,0,0,0,'propose','grid point 1 of 12',1795953315009);
INSERT INTO "hpsearch_decisions" VALUES(4,3,0,0,6,'complete','trained all 6 epochs',1795953315038);
INSERT INTO "hpsearch_decisions" VALUES(4,3,1,1,0,'propose','grid point 2 of 12',1795953315039);
INSERT INTO "hpsearch_decisions" VALUES(4,4,0,1,6,'complete','trained all 6 epochs',1795953315053);
INSERT INTO "hpsearch_decisions" VALUES(4,4,1,2,0,'propose','grid point 3 of 12',1795953315053);
INSERT INTO "hpsearch_decisions" VALUES(4,5,0,2,6,'complete','trained all 6 epochs',1795953315059);
INSERT INTO "hpsearch_decisions" VALUES(4,5,1,3,0,'propose','grid point 4 of 12',1795953315059);
INSERT INTO "hpsearch_decisions" VALUES(4,6,0,3,2,'pruned','diverged: val_loss is nan at epoch 2',1795953315065);
INSERT INTO "hpsearch_decisions" VALUES(4,6,1,4,0,'propose','grid point 5 of 12',1795953315065);
INSERT INTO "hpsearch_decisions" VALUES(4,7,0,4,1,'pruned','median: val_loss 9 at epoch 1 is worse than 0.5, the median of 4 others',1795953315071);
INSERT INTO "hpsearch_decisions" VALUES(4,7,1,5,0,'propose','grid point 6 of 12',1795953315071);
INSERT INTO "hpsearch_decisions" VALUES(4,8,0,5,3,'complete','early stop: no better val_loss than 0.1 (epoch 1) for 2 epochs',1795953315078);
INSERT INTO "hpsearch_decisions" VALUES(4,8,1,6,0,'propose','grid point 7 of 12',1795953315078);
INSERT INTO "hpsearch_decisions" VALUES(4,9,0,6,0,'wait','out of memory (MemoryError): once more, alone',1795953315090);
INSERT INTO "hpsearch_decisions" VALUES(4,10,0,6,0,'failed','out of memory even alone (MemoryError): try a smaller batch_size or model, or more resources.per_trial.memory or gpus',1795953315094);
INSERT INTO "hpsearch_decisions" VALUES(4,10,1,7,0,'propose','grid point 8 of 12',1795953315094);
INSERT INTO "hpsearch_decisions" VALUES(4,11,0,7,0,'wait','its worker vanished (ActorDiedError); goes on from epoch 0',1795953316161);
INSERT INTO "hpsearch_decisions" VALUES(4,13,0,7,0,'failed','its worker vanished (ActorDiedError); 2 workers lost (limits.retries)',1795953321647);
INSERT INTO "hpsearch_decisions" VALUES(4,14,0,8,0,'propose','grid point 9 of 12',1795953327927);
INSERT INTO "hpsearch_decisions" VALUES(4,18,0,8,4,'pruned','timeout: over limits.trial = 5 s',1795953333199);
INSERT INTO "hpsearch_decisions" VALUES(4,19,0,9,0,'propose','grid point 10 of 12',1795953338904);
INSERT INTO "hpsearch_decisions" VALUES(4,20,0,9,0,'wait','stalled: no report for limits.stall = 4 s; goes on from epoch 0',1795953342919);
INSERT INTO "hpsearch_decisions" VALUES(4,22,0,9,0,'failed','stalled: no report for limits.stall = 4 s; 2 workers lost (limits.retries)',1795953353706);
INSERT INTO "hpsearch_decisions" VALUES(4,23,0,10,0,'propose','grid point 11 of 12',1795953361847);
INSERT INTO "hpsearch_decisions" VALUES(4,24,0,10,1,'failed','ValueError: größer als erlaubt; 2 workers lost (limits.retries)',1795953361870);
INSERT INTO "hpsearch_decisions" VALUES(4,24,1,11,0,'propose','grid point 12 of 12',1795953361870);
INSERT INTO "hpsearch_decisions" VALUES(4,27,0,11,3,'wait','stopped by SIGINT',1795953365786);
INSERT INTO "hpsearch_decisions" VALUES(5,2,0,NULL,NULL,'round','round 1: 9 trials to epoch 2',1795953390743);
INSERT INTO "hpsearch_decisions" VALUES(5,2,1,NULL,NULL,'round','x: the whole range [0, 1]',1795953390743);
INSERT INTO "hpsearch_decisions" VALUES(5,2,2,NULL,NULL,'round','drift: the whole range [0.1, 0.5]',1795953390743);
INSERT INTO "hpsearch_decisions" VALUES(5,2,3,0,0,'propose','round 1: drawn anywhere in the space',1795953390743);
INSERT INTO "hpsearch_decisions" VALUES(5,4,0,0,2,'paused','trained to epoch 2, as far as round 1 goes',1795953399227);
INSERT INTO "hpsearch_decisions" VALUES(5,4,1,1,0,'propose','round 1: drawn anywhere in the space',1795953399235);
INSERT INTO "hpsearch_decisions" VALUES(5,6,0,1,2,'paused','trained to epoch 2, as far as round 1 goes',1795953399324);
INSERT INTO "hpsearch_decisions" VALUES(5,6,1,2,0,'propose','round 1: drawn anywhere in the space',1795953399325);
INSERT INTO "hpsearch_decisions" VALUES(5,8,0,2,2,'paused','trained to epoch 2, as far as round 1 goes',1795953399405);
INSERT INTO "hpsearch_decisions" VALUES(5,8,1,3,0,'propose','round 1: drawn anywhere in the space',1795953399412);
INSERT INTO "hpsearch_decisions" VALUES(5,10,0,3,2,'pruned','diverged: val_loss is nan at epoch 2',1795953399495);
INSERT INTO "hpsearch_decisions" VALUES(5,10,1,4,0,'propose','round 1: drawn anywhere in the space',1795953399495);
INSERT INTO "hpsearch_decisions" VALUES(5,11,0,4,1,'pruned','median: val_loss 0.3627 at epoch 1 is worse than 0.2254, the median of 4 others',1795953399536);
INSERT INTO "hpsearch_decisions" VALUES(5,11,1,5,0,'propose','round 1: drawn anywhere in the space',1795953399537);
INSERT INTO "hpsearch_decisions" VALUES(5,13,0,5,2,'paused','trained to epoch 2, as far as round 1 goes',1795953399632);
INSERT INTO "hpsearch_decisions" VALUES(5,13,1,6,0,'propose','round 1: drawn anywhere in the space',1795953399632);
INSERT INTO "hpsearch_decisions" VALUES(5,15,0,6,1,'failed','ValueError: x = 0.8572419555085227 is too much — größer als erlaubt',1795953399726);
INSERT INTO "hpsearch_decisions" VALUES(5,15,1,7,0,'propose','round 1: drawn anywhere in the space',1795953399727);
INSERT INTO "hpsearch_decisions" VALUES(5,16,0,7,1,'pruned','median: val_loss 0.3219 at epoch 1 is worse than 0.2037, the median of 7 others',1795953399775);
INSERT INTO "hpsearch_decisions" VALUES(5,16,1,8,0,'propose','round 1: drawn anywhere in the space',1795953399775);
INSERT INTO "hpsearch_decisions" VALUES(5,17,0,8,1,'pruned','median: val_loss 0.6281 at epoch 1 is worse than 0.2628, the median of 8 others',1795953399817);
INSERT INTO "hpsearch_decisions" VALUES(5,17,1,NULL,NULL,'round','round 2: 4 trials to epoch 4',1795953399817);
INSERT INTO "hpsearch_decisions" VALUES(5,17,2,NULL,NULL,'round','x: window [0.386, 0.725] round the best 3 of 9; was [0, 1]',1795953399817);
INSERT INTO "hpsearch_decisions" VALUES(5,17,3,NULL,NULL,'round','drift: window moved to [0.1, 0.3]: the best, 0.102, lies at the edge of [0.1, 0.5]',1795953399817);
INSERT INTO "hpsearch_decisions" VALUES(5,17,4,1,2,'continue','round 2: rank 1 of 9 (val_loss 0.03801), trained on to epoch 4',1795953399817);
INSERT INTO "hpsearch_decisions" VALUES(5,19,0,1,4,'paused','trained to epoch 4, as far as round 2 goes',1795953399955);
INSERT INTO "hpsearch_decisions" VALUES(5,19,1,5,2,'continue','round 2: rank 2 of 9 (val_loss 0.1146), trained on to epoch 4',1795953399955);
INSERT INTO "hpsearch_decisions" VALUES(5,21,0,5,4,'paused','trained to epoch 4, as far as round 2 goes',1795953400126);
INSERT INTO "hpsearch_decisions" VALUES(5,21,1,9,0,'propose','round 2: drawn in windows round the best: x [0.386, 0.725], drift [0.1, 0.3] (moved)',1795953400127);
CREATE TABLE hpsearch_environments (
	study_id INTEGER NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	document TEXT NOT NULL, 
	CONSTRAINT pk_hpsearch_environments PRIMARY KEY (study_id, digest), 
	CONSTRAINT fk_hpsearch_environments_hpsearch_studies FOREIGN KEY(study_id) REFERENCES hpsearch_studies (id)
);
INSERT INTO "hpsearch_environments" VALUES(1,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{"code": {"folder": "/home/ada/search", "repositories": [{"name": "search", "problem": "not a git repository (or any of the parent directories): .git"}]}, "environment": {"cpu": {"cores": 2, "memory": 24, "model": "AMD EPYC"}, "device": "cpu", "gpu": null, "packages": {"hpsearch": "0.1.0", "mlflow": "3.17.2", "numpy": "2.4.6", "optuna": "5.0.0", "ray": "2.60.0", "torch": "2.13.0+cpu"}, "platform": "Linux-6.18.44-fc-v595-x86_64-with-glibc2.36", "python": "3.11.7", "settings": {"HPSEARCH_DATA": "/home/ada/data"}, "sources": {"tests": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "tests.journal": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "tests.journal.veteran": "ec92312953b9160cdb0ad94edc36828069fabe657ec14149cce0b2f2ad1496a9", "tests.support": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "tests.support.torch_toy": "3e17b76c1719f002675cc23fdd9b1f018517e5452386de8fff26e8e4642f4da6", "tests.support.toys": "2a4f721d10ba2ef83905619f0afda2d94226331845c6c7d8ef9233a2b7559e44"}, "threads": 1}}');
INSERT INTO "hpsearch_environments" VALUES(2,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{"code": {"folder": "/home/ada/search", "repositories": [{"name": "search", "problem": "not a git repository (or any of the parent directories): .git"}]}, "environment": {"cpu": {"cores": 2, "memory": 24, "model": "AMD EPYC"}, "device": "cpu", "gpu": null, "packages": {"hpsearch": "0.1.0", "mlflow": "3.17.2", "numpy": "2.4.6", "optuna": "5.0.0", "ray": "2.60.0", "torch": "2.13.0+cpu"}, "platform": "Linux-6.18.44-fc-v595-x86_64-with-glibc2.36", "python": "3.11.7", "settings": {"HPSEARCH_DATA": "/home/ada/data"}, "sources": {"tests": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "tests.journal": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "tests.journal.veteran": "ec92312953b9160cdb0ad94edc36828069fabe657ec14149cce0b2f2ad1496a9", "tests.support": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "tests.support.torch_toy": "3e17b76c1719f002675cc23fdd9b1f018517e5452386de8fff26e8e4642f4da6", "tests.support.toys": "2a4f721d10ba2ef83905619f0afda2d94226331845c6c7d8ef9233a2b7559e44"}, "threads": 1}}');
INSERT INTO "hpsearch_environments" VALUES(3,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{"code": {"folder": "/home/ada/search", "repositories": [{"name": "search", "problem": "not a git repository (or any of the parent directories): .git"}]}, "environment": {"cpu": {"cores": 2, "memory": 24, "model": "AMD EPYC", "vectors": "AVX512"}, "device": "cpu", "gpu": null, "packages": {"hpsearch": "0.1.0", "mlflow": "3.17.2", "numpy": "2.4.6", "optuna": "5.0.0", "ray": "2.60.0", "torch": "2.13.0+cpu"}, "platform": "Linux-6.18.44-fc-v595-x86_64-with-glibc2.36", "python": "3.11.7", "settings": {"HPSEARCH_DATA": "/home/ada/data"}, "sources": {"tests": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "tests.journal": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "tests.journal.veteran": "ec92312953b9160cdb0ad94edc36828069fabe657ec14149cce0b2f2ad1496a9", "tests.support": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "tests.support.torch_toy": "3e17b76c1719f002675cc23fdd9b1f018517e5452386de8fff26e8e4642f4da6", "tests.support.toys": "2a4f721d10ba2ef83905619f0afda2d94226331845c6c7d8ef9233a2b7559e44"}, "threads": 1}}');
INSERT INTO "hpsearch_environments" VALUES(4,'5e510201de2c1ed0bddc37d3ebac57322bf225c7dd4425c8f25d212b58ecb1b4','{"code": {"folder": "/home/ada/search", "repositories": [{"name": "search", "problem": "not a git repository (or any of the parent directories): .git"}]}, "environment": {"cpu": {"cores": 2, "memory": 24, "model": "AMD EPYC", "vectors": "AVX512"}, "device": "cpu", "gpu": null, "packages": {"hpsearch": "0.1.0", "mlflow": "3.17.2", "numpy": "2.4.6", "optuna": "5.0.0", "ray": "2.60.0", "torch": "2.13.0+cpu"}, "platform": "Linux-6.18.44-fc-v595-x86_64-with-glibc2.36", "python": "3.11.7", "settings": {"HPSEARCH_DATA": "/home/ada/data", "OMP_NUM_THREADS": "1"}, "sources": {"tests": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "tests.journal": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "tests.journal.fates": "ed2a95d2f1e0f3a03084a08143ddc5ff8b95847f6fff4cb9060380e2b34302b8"}, "threads": 1}}');
INSERT INTO "hpsearch_environments" VALUES(5,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{"code": {"folder": "/home/ada/search", "repositories": [{"name": "search", "problem": "not a git repository (or any of the parent directories): .git"}]}, "environment": {"cpu": {"cores": 2, "memory": 24, "model": "AMD EPYC"}, "device": "cpu", "gpu": null, "packages": {"hpsearch": "0.1.0", "mlflow": "3.17.2", "numpy": "2.4.6", "optuna": "5.0.0", "ray": "2.60.0", "torch": "2.13.0+cpu"}, "platform": "Linux-6.18.44-fc-v595-x86_64-with-glibc2.36", "python": "3.11.7", "settings": {"HPSEARCH_DATA": "/home/ada/data"}, "sources": {"tests": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "tests.journal": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "tests.journal.veteran": "ec92312953b9160cdb0ad94edc36828069fabe657ec14149cce0b2f2ad1496a9", "tests.support": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "tests.support.torch_toy": "3e17b76c1719f002675cc23fdd9b1f018517e5452386de8fff26e8e4642f4da6", "tests.support.toys": "2a4f721d10ba2ef83905619f0afda2d94226331845c6c7d8ef9233a2b7559e44"}, "threads": 1}}');
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
	wrote BIGINT, 
	spent DOUBLE NOT NULL, 
	stop BIGINT, 
	CONSTRAINT pk_hpsearch_leases PRIMARY KEY (study_id), 
	CONSTRAINT fk_hpsearch_leases_hpsearch_studies FOREIGN KEY(study_id) REFERENCES hpsearch_studies (id)
);
INSERT INTO "hpsearch_leases" VALUES(1,1,5,NULL,15684,'ada','4b0723a3-db4c-4ff2-9b1e-584c68223e71','pid:[4026531836]','347205',15.0,1.79595324503101396555e+09,3479.893602408,1,5.0506435990000682068e+00,NULL);
INSERT INTO "hpsearch_leases" VALUES(2,1,5,NULL,15901,'ada','4b0723a3-db4c-4ff2-9b1e-584c68223e71','pid:[4026531836]','348353',15.0,1795953254.70998,3489.572395221,1,3.76973232599993934854e+00,NULL);
INSERT INTO "hpsearch_leases" VALUES(3,1,24,NULL,16122,'ada','4b0723a3-db4c-4ff2-9b1e-584c68223e71','pid:[4026531836]','349266',15.0,1.79595327013701343537e+09,3504.999558354,1,4.93698424800004431745e+00,NULL);
INSERT INTO "hpsearch_leases" VALUES(4,1,28,NULL,16732,'ada','4b0723a3-db4c-4ff2-9b1e-584c68223e71','pid:[4026531836]','352268',15.0,1.79595336579398822786e+09,3600.656896072,1,50.8085262919999,NULL);
INSERT INTO "hpsearch_leases" VALUES(5,1,23,'51e0c9c173444bee8b49de92e2a97991',19879,'ada','4b0723a3-db4c-4ff2-9b1e-584c68223e71','pid:[4026531836]','362050',15.0,1.79595340020699787133e+09,3635.069296307,1,9.53049985400002697133e+00,NULL);
CREATE TABLE hpsearch_probes (
	study_id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	document TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_hpsearch_probes PRIMARY KEY (study_id, kind), 
	CONSTRAINT fk_hpsearch_probes_hpsearch_studies FOREIGN KEY(study_id) REFERENCES hpsearch_studies (id)
);
INSERT INTO "hpsearch_probes" VALUES(3,'preflight','{"passed": true, "params": {"x": 0.5}, "checks": [{"name": "runs", "outcome": "passed", "says": "it builds, trains and reports", "severity": "error", "evidence": {"epochs": 3}, "details": ""}, {"name": "metrics", "outcome": "failed", "says": "weight norm: missing, NaN or infinite in some epochs", "severity": "warning", "evidence": {"metrics": 2, "bad": "weight norm"}, "details": ""}, {"name": "inputs", "outcome": "skipped", "says": "the trainer names no model to run.track(model=\u2026)", "severity": "error", "evidence": {}, "details": ""}, {"name": "outputs", "outcome": "skipped", "says": "the trainer calls no torch backward", "severity": "error", "evidence": {}, "details": ""}, {"name": "loss at start", "outcome": "skipped", "says": "the trainer calls no torch backward", "severity": "error", "evidence": {}, "details": ""}, {"name": "loss sign", "outcome": "skipped", "says": "the trainer calls no torch backward", "severity": "error", "evidence": {}, "details": ""}, {"name": "gradients", "outcome": "skipped", "says": "the trainer names no model to run.track(model=\u2026)", "severity": "error", "evidence": {}, "details": ""}, {"name": "optimizer", "outcome": "skipped", "says": "the trainer names no optimizer to run.track(optimizer=\u2026)", "severity": "error", "evidence": {}, "details": ""}, {"name": "zero_grad", "outcome": "skipped", "says": "the trainer names no optimizer to run.track(optimizer=\u2026)", "severity": "error", "evidence": {}, "details": ""}, {"name": "overfits", "outcome": "skipped", "says": "the trainer calls no torch backward", "severity": "error", "evidence": {}, "details": ""}, {"name": "labels", "outcome": "skipped", "says": "the trainer calls no torch backward", "severity": "error", "evidence": {}, "details": ""}], "cost": {"seconds": 0.0039900794999994105, "host": 267370496, "gpu": 0, "gpu_total": 0, "per_gpu": null}, "seconds": 4.182350099999894}',1795953265247);
INSERT INTO "hpsearch_probes" VALUES(3,'rounds','{"metric": "val_loss", "goal": "minimize", "log": {"x": false}, "rounds": [{"number": 1, "epochs": 1, "repeats": false, "windows": [{"name": "x", "low": 0.2, "high": 0.8, "reason": "x: the whole range [0.2, 0.8]"}], "notes": ["round 1, coarse: 9 trials of 1 epoch, spread over the whole space"], "trials": [{"trial": 0, "continued": false, "value": 0.5945787261282838, "params": {"x": 0.5055001160129906}}, {"trial": 1, "continued": false, "value": 0.05119410392897278, "params": {"x": 0.363736972026527}}, {"trial": 2, "continued": false, "value": 0.26892757220973795, "params": {"x": 0.26994158513844013}}, {"trial": 3, "continued": false, "value": 0.39756994201950496, "params": {"x": 0.7117048095911742}}, {"trial": 4, "continued": false, "value": 0.161625120145668, "params": {"x": 0.7909161711111665}}, {"trial": 5, "continued": false, "value": 0.5911584784163229, "params": {"x": 0.3397048341110349}}, {"trial": 6, "continued": false, "value": 0.2925215427018978, "params": {"x": 0.43335374444723135}}, {"trial": 7, "continued": false, "value": 0.08827636981166997, "params": {"x": 0.5845649830996991}}, {"trial": 8, "continued": false, "value": 0.8624701768593854, "params": {"x": 0.6448127530515195}}], "best": {"trial": 1, "value": 0.05119410392897278}, "gained": null}, {"number": 2, "epochs": 2, "repeats": false, "windows": [{"name": "x", "low": 0.303736972026527, "high": 0.8, "reason": "x: window [0.304, 0.8] round the best 3 of 9; was [0.2, 0.8]"}], "notes": ["round 1 found val_loss 0.05119 (trial 1)", "round 2: 4 go on and 2 new, to epoch 2: longer than the last", "x: window [0.304, 0.8] round the best 3 of 9; was [0.2, 0.8]"], "trials": [{"trial": 1, "continued": true, "value": 0.05119410392897278, "params": {"x": 0.363736972026527}}, {"trial": 7, "continued": true, "value": 0.017877869043366745, "params": {"x": 0.5845649830996991}}, {"trial": 4, "continued": true, "value": 0.161625120145668, "params": {"x": 0.7909161711111665}}, {"trial": 2, "continued": true, "value": 0.26892757220973795, "params": {"x": 0.26994158513844013}}, {"trial": 9, "continued": false, "value": 0.20694714566848565, "params": {"x": 0.654049844635227}}, {"trial": 10, "continued": false, "value": 0.6610957158124888, "params": {"x": 0.517975642294444}}], "best": {"trial": 7, "value": 0.017877869043366745}, "gained": 0.03331623488560603}, {"number": 3, "epochs": 4, "repeats": false, "windows": [{"name": "x", "low": 0.3141106692291797, "high": 0.8, "reason": "x: window [0.314, 0.8] round the best 3 of 11; was [0.304, 0.8]"}], "notes": ["round 2 gained 0.0333: val_loss 0.01788 (trial 7)", "round 3: 3 go on and 1 new, to epoch 4: longer than the last", "x: window [0.314, 0.8] round the best 3 of 11; was [0.304, 0.8]"], "trials": [{"trial": 7, "continued": true, "value": 0.017877869043366745, "params": {"x": 0.5845649830996991}}, {"trial": 1, "continued": true, "value": 0.05119410392897278, "params": {"x": 0.363736972026527}}, {"trial": 4, "continued": true, "value": 0.161625120145668, "params": {"x": 0.7909161711111665}}, {"trial": 11, "continued": false, "value": 0.2785630696402035, "params": {"x": 0.6773525474005837}}], "best": {"trial": 7, "value": 0.017877869043366745}, "gained": 0.0}, {"number": 4, "epochs": 4, "repeats": false, "windows": [{"name": "x", "low": 0.3141106692291797, "high": 0.8, "reason": "x: window [0.314, 0.8] round the best 3 of 11; was [0.304, 0.8]"}], "notes": ["round 3 gained nothing: the best is still val_loss 0.01788 (trial 7)", "round 4: 1 go on, to epoch 4: round again in smaller windows"], "trials": [{"trial": 9, "continued": true, "value": 0.14737882658546209, "params": {"x": 0.654049844635227}}], "best": {"trial": 9, "value": 0.14737882658546209}, "gained": 0.0}], "over": "round 4 gained nothing: the best is still val_loss 0.01788 (trial 7); the budget of 30 epochs is spent (1 left)"}',1795953268631);
INSERT INTO "hpsearch_probes" VALUES(5,'rounds','{"metric": "val_loss", "goal": "minimize", "log": {"x": false, "drift": false}, "rounds": [{"number": 1, "epochs": 2, "repeats": false, "windows": [{"name": "x", "low": 0.0, "high": 1.0, "reason": "x: the whole range [0, 1]"}, {"name": "drift", "low": 0.1, "high": 0.5, "reason": "drift: the whole range [0.1, 0.5]"}], "notes": ["round 1: 9 trials to epoch 2", "x: the whole range [0, 1]", "drift: the whole range [0.1, 0.5]"], "trials": [{"trial": 0, "continued": false, "value": 0.256183438400798, "params": {"x": 0.6250808818675494, "drift": null}}, {"trial": 1, "continued": false, "value": 0.038013926662564534, "params": {"x": 0.4861712718975828, "drift": 0.10248830391638647}}, {"trial": 2, "continued": false, "value": 0.32317075049890853, "params": {"x": 0.20147861525202249, "drift": 0.14908870000648294}}, {"trial": 3, "continued": false, "value": null, "params": {"x": 0.06238987889483727, "drift": null}}, {"trial": 4, "continued": false, "value": 0.3626915504205227, "params": {"x": 0.14826027357175786, "drift": 0.4025261729063079}}, {"trial": 5, "continued": false, "value": 0.11459359870863217, "params": {"x": 0.5318380937578351, "drift": 0.33968518184747776}}, {"trial": 6, "continued": false, "value": 0.20365508190279513, "params": {"x": 0.8572419555085227, "drift": 0.2671754135132278}}, {"trial": 7, "continued": false, "value": 0.3218506928064917, "params": {"x": 0.7888364295998244, "drift": 0.4619699724159936}}, {"trial": 8, "continued": false, "value": 0.6280831339100106, "params": {"x": 0.7869785419864199, "drift": null}}], "best": {"trial": 1, "value": 0.038013926662564534}, "gained": null}, {"number": 2, "epochs": 4, "repeats": false, "windows": [{"name": "x", "low": 0.3861712718975828, "high": 0.7250808818675494, "reason": "x: window [0.386, 0.725] round the best 3 of 9; was [0, 1]"}, {"name": "drift", "low": 0.1, "high": 0.30000000000000004, "reason": "drift: window moved to [0.1, 0.3]: the best, 0.102, lies at the edge of [0.1, 0.5]"}], "notes": ["round 2: 4 trials to epoch 4", "x: window [0.386, 0.725] round the best 3 of 9; was [0, 1]", "drift: window moved to [0.1, 0.3]: the best, 0.102, lies at the edge of [0.1, 0.5]"], "trials": [{"trial": 1, "continued": true, "value": 0.038013926662564534, "params": {"x": 0.4861712718975828, "drift": 0.10248830391638647}}], "best": {"trial": 1, "value": 0.038013926662564534}, "gained": 0.0}], "over": ""}',1795953399835);
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
INSERT INTO "hpsearch_reports" VALUES(1,0,1,'{"val_loss": 0.28469507386310827, "weight norm": Infinity}',1795953244967,3);
INSERT INTO "hpsearch_reports" VALUES(1,0,2,'{"val_loss": 0.0436981590865233, "weight norm": 0.6145789397365992}',1795953244967,3);
INSERT INTO "hpsearch_reports" VALUES(1,1,1,'{"val_loss": 0.24031973249797045, "weight norm": Infinity}',1795953245015,4);
INSERT INTO "hpsearch_reports" VALUES(1,1,2,'{"val_loss": 0.5564636498512825, "weight norm": 0.929544208494929}',1795953245015,4);
INSERT INTO "hpsearch_reports" VALUES(2,0,1,'{"val_loss": 0.2610581068707497, "weight norm": Infinity}',1795953254682,3);
INSERT INTO "hpsearch_reports" VALUES(2,0,2,'{"val_loss": 0.46441380192936194, "weight norm": -0.19810003501403117}',1795953254682,3);
INSERT INTO "hpsearch_reports" VALUES(2,0,3,'{"val_loss": 0.4561481146065367, "weight norm": -0.18983434769120594}',1795953254682,3);
INSERT INTO "hpsearch_reports" VALUES(2,0,4,'{"val_loss": 0.37803367753633904, "weight norm": -0.11171991062100828}',1795953254682,3);
INSERT INTO "hpsearch_reports" VALUES(2,1,1,'{"val_loss": 0.07932785602636178, "weight norm": Infinity}',1795953254704,4);
INSERT INTO "hpsearch_reports" VALUES(2,1,2,'{"val_loss": 0.01043397449186445, "weight norm": 0.22697455112473253}',1795953254704,4);
INSERT INTO "hpsearch_reports" VALUES(3,0,1,'{"val_loss": 0.5945787261282838, "weight norm": Infinity}',1795953267836,4);
INSERT INTO "hpsearch_reports" VALUES(3,1,1,'{"val_loss": 0.05119410392897278, "weight norm": Infinity}',1795953267867,5);
INSERT INTO "hpsearch_reports" VALUES(3,1,2,'{"val_loss": 0.060337401733174256, "weight norm": 0.30339957029335274}',1795953268152,13);
INSERT INTO "hpsearch_reports" VALUES(3,1,3,'{"val_loss": 0.6297068473094732, "weight norm": 0.9934438193360002}',1795953268474,20);
INSERT INTO "hpsearch_reports" VALUES(3,1,4,'{"val_loss": 1.18983872640572, "weight norm": 1.5535756984322469}',1795953268474,20);
INSERT INTO "hpsearch_reports" VALUES(3,2,1,'{"val_loss": 0.26892757220973795, "weight norm": Infinity}',1795953267902,6);
INSERT INTO "hpsearch_reports" VALUES(3,2,2,'{"val_loss": 0.42584200743665024, "weight norm": 0.6957835925750904}',1795953268291,16);
INSERT INTO "hpsearch_reports" VALUES(3,3,1,'{"val_loss": 0.39756994201950496, "weight norm": Infinity}',1795953267932,7);
INSERT INTO "hpsearch_reports" VALUES(3,4,1,'{"val_loss": 0.161625120145668, "weight norm": Infinity}',1795953267963,8);
INSERT INTO "hpsearch_reports" VALUES(3,4,2,'{"val_loss": 0.1730535552524637, "weight norm": 0.6178626158587028}',1795953268239,15);
INSERT INTO "hpsearch_reports" VALUES(3,4,3,'{"val_loss": 0.3442435087495131, "weight norm": 0.4466726623616534}',1795953268510,21);
INSERT INTO "hpsearch_reports" VALUES(3,4,4,'{"val_loss": 0.162495913545726, "weight norm": 0.6284202575654405}',1795953268510,21);
INSERT INTO "hpsearch_reports" VALUES(3,5,1,'{"val_loss": 0.5911584784163229, "weight norm": Infinity}',1795953267996,9);
INSERT INTO "hpsearch_reports" VALUES(3,6,1,'{"val_loss": 0.2925215427018978, "weight norm": Infinity}',1795953268027,10);
INSERT INTO "hpsearch_reports" VALUES(3,7,1,'{"val_loss": 0.08827636981166997, "weight norm": Infinity}',1795953268055,11);
INSERT INTO "hpsearch_reports" VALUES(3,7,2,'{"val_loss": 0.017877869043366745, "weight norm": 0.6024428521430658}',1795953268200,14);
INSERT INTO "hpsearch_reports" VALUES(3,7,3,'{"val_loss": 0.44984559477014496, "weight norm": 1.034410577869844}',1795953268430,19);
INSERT INTO "hpsearch_reports" VALUES(3,7,4,'{"val_loss": 0.9037170156430361, "weight norm": 1.4882819987427351}',1795953268430,19);
INSERT INTO "hpsearch_reports" VALUES(3,8,1,'{"val_loss": 0.8624701768593854, "weight norm": Infinity}',1795953268075,12);
INSERT INTO "hpsearch_reports" VALUES(3,9,1,'{"val_loss": 0.20694714566848565, "weight norm": Infinity}',1795953268328,17);
INSERT INTO "hpsearch_reports" VALUES(3,9,2,'{"val_loss": 0.3411146558052305, "weight norm": 0.3129351888299965}',1795953268328,17);
INSERT INTO "hpsearch_reports" VALUES(3,9,3,'{"val_loss": 0.14737882658546209, "weight norm": 0.5066710180497649}',1795953268614,23);
INSERT INTO "hpsearch_reports" VALUES(3,9,4,'{"val_loss": 0.23516421739525212, "weight norm": 0.41888562723997486}',1795953268614,23);
INSERT INTO "hpsearch_reports" VALUES(3,10,1,'{"val_loss": 0.6610957158124888, "weight norm": Infinity}',1795953268360,18);
INSERT INTO "hpsearch_reports" VALUES(3,10,2,'{"val_loss": 0.8107246533871393, "weight norm": -0.29274901109269524}',1795953268360,18);
INSERT INTO "hpsearch_reports" VALUES(3,11,1,'{"val_loss": 0.4608137463682019, "weight norm": Infinity}',1795953268539,22);
INSERT INTO "hpsearch_reports" VALUES(3,11,2,'{"val_loss": 0.6512411040750227, "weight norm": 0.026111443325561035}',1795953268539,22);
INSERT INTO "hpsearch_reports" VALUES(3,11,3,'{"val_loss": 0.3031606161354273, "weight norm": 0.37419193126515643}',1795953268539,22);
INSERT INTO "hpsearch_reports" VALUES(3,11,4,'{"val_loss": 0.2785630696402035, "weight norm": 0.9559156170407872}',1795953268539,22);
INSERT INTO "hpsearch_reports" VALUES(4,0,1,'{"val_loss": 0.5}',1795953315038,3);
INSERT INTO "hpsearch_reports" VALUES(4,0,2,'{"val_loss": 0.25}',1795953315038,3);
INSERT INTO "hpsearch_reports" VALUES(4,0,3,'{"val_loss": 0.16666666666666666}',1795953315038,3);
INSERT INTO "hpsearch_reports" VALUES(4,0,4,'{"val_loss": 0.125}',1795953315038,3);
INSERT INTO "hpsearch_reports" VALUES(4,0,5,'{"val_loss": 0.1}',1795953315038,3);
INSERT INTO "hpsearch_reports" VALUES(4,0,6,'{"val_loss": 0.08333333333333333}',1795953315038,3);
INSERT INTO "hpsearch_reports" VALUES(4,1,1,'{"val_loss": 0.5}',1795953315053,4);
INSERT INTO "hpsearch_reports" VALUES(4,1,2,'{"val_loss": 0.25}',1795953315053,4);
INSERT INTO "hpsearch_reports" VALUES(4,1,3,'{"val_loss": 0.16666666666666666}',1795953315053,4);
INSERT INTO "hpsearch_reports" VALUES(4,1,4,'{"val_loss": 0.125}',1795953315053,4);
INSERT INTO "hpsearch_reports" VALUES(4,1,5,'{"val_loss": 0.1}',1795953315053,4);
INSERT INTO "hpsearch_reports" VALUES(4,1,6,'{"val_loss": 0.08333333333333333}',1795953315053,4);
INSERT INTO "hpsearch_reports" VALUES(4,2,1,'{"val_loss": 0.5}',1795953315059,5);
INSERT INTO "hpsearch_reports" VALUES(4,2,2,'{"val_loss": 0.25}',1795953315059,5);
INSERT INTO "hpsearch_reports" VALUES(4,2,3,'{"val_loss": 0.16666666666666666}',1795953315059,5);
INSERT INTO "hpsearch_reports" VALUES(4,2,4,'{"val_loss": 0.125}',1795953315059,5);
INSERT INTO "hpsearch_reports" VALUES(4,2,5,'{"val_loss": 0.1}',1795953315059,5);
INSERT INTO "hpsearch_reports" VALUES(4,2,6,'{"val_loss": 0.08333333333333333}',1795953315059,5);
INSERT INTO "hpsearch_reports" VALUES(4,3,1,'{"val_loss": 0.5}',1795953315065,6);
INSERT INTO "hpsearch_reports" VALUES(4,3,2,'{"val_loss": NaN}',1795953315065,6);
INSERT INTO "hpsearch_reports" VALUES(4,4,1,'{"val_loss": 9.0}',1795953315070,7);
INSERT INTO "hpsearch_reports" VALUES(4,5,1,'{"val_loss": 0.1}',1795953315078,8);
INSERT INTO "hpsearch_reports" VALUES(4,5,2,'{"val_loss": 0.1}',1795953315078,8);
INSERT INTO "hpsearch_reports" VALUES(4,5,3,'{"val_loss": 0.1}',1795953315078,8);
INSERT INTO "hpsearch_reports" VALUES(4,8,1,'{"val_loss": 0.25}',1795953329275,15);
INSERT INTO "hpsearch_reports" VALUES(4,8,2,'{"val_loss": 0.125}',1795953330581,16);
INSERT INTO "hpsearch_reports" VALUES(4,8,3,'{"val_loss": 0.08333333333333333}',1795953331885,17);
INSERT INTO "hpsearch_reports" VALUES(4,8,4,'{"val_loss": 0.0625}',1795953333199,18);
INSERT INTO "hpsearch_reports" VALUES(4,10,1,'{"val_loss": 0.5}',1795953361870,24);
INSERT INTO "hpsearch_reports" VALUES(4,11,1,'{"val_loss": 0.25}',1795953363177,25);
INSERT INTO "hpsearch_reports" VALUES(4,11,2,'{"val_loss": 0.125}',1795953364482,26);
INSERT INTO "hpsearch_reports" VALUES(4,11,3,'{"val_loss": 0.08333333333333333}',1795953365786,27);
INSERT INTO "hpsearch_reports" VALUES(5,0,1,'{"val_loss": 0.7710143947475787, "weight norm": Infinity}',1795953399187,3);
INSERT INTO "hpsearch_reports" VALUES(5,0,2,'{"val_loss": 0.256183438400798, "weight norm": 0.3688974434667514}',1795953399226,4);
INSERT INTO "hpsearch_reports" VALUES(5,1,1,'{"val_loss": 0.038013926662564534, "weight norm": Infinity}',1795953399273,5);
INSERT INTO "hpsearch_reports" VALUES(5,1,2,'{"val_loss": 0.4342070910239775, "weight norm": 0.9203783629215603}',1795953399324,6);
INSERT INTO "hpsearch_reports" VALUES(5,1,3,'{"val_loss": 0.7343454338701889, "weight norm": 1.2205167057677717}',1795953399912,18);
INSERT INTO "hpsearch_reports" VALUES(5,1,4,'{"val_loss": 0.7337073307042798, "weight norm": 1.2198786026018626}',1795953399955,19);
INSERT INTO "hpsearch_reports" VALUES(5,2,1,'{"val_loss": 0.32317075049890853, "weight norm": Infinity}',1795953399364,7);
INSERT INTO "hpsearch_reports" VALUES(5,2,2,'{"val_loss": 0.8470574681781844, "weight norm": 1.0485360834302069}',1795953399405,8);
INSERT INTO "hpsearch_reports" VALUES(5,3,1,'{"val_loss": 0.12762611989312006, "weight norm": Infinity}',1795953399450,9);
INSERT INTO "hpsearch_reports" VALUES(5,3,2,'{"val_loss": NaN, "weight norm": 0.6127417576130376}',1795953399495,10);
INSERT INTO "hpsearch_reports" VALUES(5,4,1,'{"val_loss": 0.3626915504205227, "weight norm": Infinity}',1795953399536,11);
INSERT INTO "hpsearch_reports" VALUES(5,5,1,'{"val_loss": 0.11459359870863217, "weight norm": Infinity}',1795953399587,12);
INSERT INTO "hpsearch_reports" VALUES(5,5,2,'{"val_loss": 0.27988899032015535, "weight norm": 0.25194910343767973}',1795953399632,13);
INSERT INTO "hpsearch_reports" VALUES(5,5,3,'{"val_loss": 0.2922422926805639, "weight norm": 0.824080386438399}',1795953400076,20);
INSERT INTO "hpsearch_reports" VALUES(5,5,4,'{"val_loss": 0.5944607103337876, "weight norm": 1.1262988040916226}',1795953400126,21);
INSERT INTO "hpsearch_reports" VALUES(5,6,1,'{"val_loss": 0.20365508190279513, "weight norm": Infinity}',1795953399685,14);
INSERT INTO "hpsearch_reports" VALUES(5,7,1,'{"val_loss": 0.3218506928064917, "weight norm": Infinity}',1795953399775,16);
INSERT INTO "hpsearch_reports" VALUES(5,8,1,'{"val_loss": 0.6280831339100106, "weight norm": Infinity}',1795953399817,17);
INSERT INTO "hpsearch_reports" VALUES(5,9,1,'{"val_loss": 0.18076003116261202, "weight norm": Infinity}',1795953400157,22);
INSERT INTO "hpsearch_reports" VALUES(5,9,2,'{"val_loss": 0.016909079739182153, "weight norm": 0.406175492388123}',1795953400207,23);
CREATE TABLE hpsearch_stretches (
	study_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	"after" INTEGER NOT NULL, 
	environment VARCHAR(64) NOT NULL, 
	data TEXT NOT NULL, 
	CONSTRAINT pk_hpsearch_stretches PRIMARY KEY (study_id, number, "after"), 
	CONSTRAINT fk_hpsearch_stretches_hpsearch_trials FOREIGN KEY(study_id, number) REFERENCES hpsearch_trials (study_id, number), 
	CONSTRAINT fk_hpsearch_stretches_hpsearch_environments FOREIGN KEY(study_id, environment) REFERENCES hpsearch_environments (study_id, digest)
)
 WITHOUT ROWID

;
INSERT INTO "hpsearch_stretches" VALUES(1,0,0,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{}');
INSERT INTO "hpsearch_stretches" VALUES(1,1,0,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{}');
INSERT INTO "hpsearch_stretches" VALUES(2,0,0,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{}');
INSERT INTO "hpsearch_stretches" VALUES(2,1,0,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,0,0,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,1,0,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,1,1,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,1,2,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,2,0,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,2,1,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,3,0,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,4,0,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,4,1,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,4,2,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,5,0,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,6,0,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,7,0,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,7,1,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,7,2,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,8,0,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,9,0,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,9,2,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,10,0,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(3,11,0,'45388b1c86d722adf6088b8317fece1174f8e1213b229210861360661ac703df','{}');
INSERT INTO "hpsearch_stretches" VALUES(4,0,0,'5e510201de2c1ed0bddc37d3ebac57322bf225c7dd4425c8f25d212b58ecb1b4','{}');
INSERT INTO "hpsearch_stretches" VALUES(4,1,0,'5e510201de2c1ed0bddc37d3ebac57322bf225c7dd4425c8f25d212b58ecb1b4','{}');
INSERT INTO "hpsearch_stretches" VALUES(4,2,0,'5e510201de2c1ed0bddc37d3ebac57322bf225c7dd4425c8f25d212b58ecb1b4','{}');
INSERT INTO "hpsearch_stretches" VALUES(4,3,0,'5e510201de2c1ed0bddc37d3ebac57322bf225c7dd4425c8f25d212b58ecb1b4','{}');
INSERT INTO "hpsearch_stretches" VALUES(4,4,0,'5e510201de2c1ed0bddc37d3ebac57322bf225c7dd4425c8f25d212b58ecb1b4','{}');
INSERT INTO "hpsearch_stretches" VALUES(4,5,0,'5e510201de2c1ed0bddc37d3ebac57322bf225c7dd4425c8f25d212b58ecb1b4','{}');
INSERT INTO "hpsearch_stretches" VALUES(4,6,0,'5e510201de2c1ed0bddc37d3ebac57322bf225c7dd4425c8f25d212b58ecb1b4','{}');
INSERT INTO "hpsearch_stretches" VALUES(4,8,0,'5e510201de2c1ed0bddc37d3ebac57322bf225c7dd4425c8f25d212b58ecb1b4','{}');
INSERT INTO "hpsearch_stretches" VALUES(4,10,0,'5e510201de2c1ed0bddc37d3ebac57322bf225c7dd4425c8f25d212b58ecb1b4','{}');
INSERT INTO "hpsearch_stretches" VALUES(4,11,0,'5e510201de2c1ed0bddc37d3ebac57322bf225c7dd4425c8f25d212b58ecb1b4','{}');
INSERT INTO "hpsearch_stretches" VALUES(5,0,0,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{}');
INSERT INTO "hpsearch_stretches" VALUES(5,1,0,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{}');
INSERT INTO "hpsearch_stretches" VALUES(5,1,2,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{}');
INSERT INTO "hpsearch_stretches" VALUES(5,2,0,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{}');
INSERT INTO "hpsearch_stretches" VALUES(5,3,0,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{}');
INSERT INTO "hpsearch_stretches" VALUES(5,4,0,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{}');
INSERT INTO "hpsearch_stretches" VALUES(5,5,0,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{}');
INSERT INTO "hpsearch_stretches" VALUES(5,5,2,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{}');
INSERT INTO "hpsearch_stretches" VALUES(5,6,0,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{}');
INSERT INTO "hpsearch_stretches" VALUES(5,7,0,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{}');
INSERT INTO "hpsearch_stretches" VALUES(5,8,0,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{}');
INSERT INTO "hpsearch_stretches" VALUES(5,9,0,'767edca9ca382aed7b3fd82c4a3ff73be501e102224c93fe5967c0290de66e83','{}');
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
INSERT INTO "hpsearch_studies" VALUES(1,'106b6551d8c5400faf378ab2523b03db','sprint','{"study": {"name": "sprint", "metric": "val_loss", "goal": "minimize", "seed": 12, "at": "last"}, "trainer": {"use": "tests.journal.veteran:train", "epochs": 2, "repeats": 1, "options": {"pace": 0.0}}, "space": {"x": {"low": 0.2, "high": 0.8}}, "search": {"method": "random", "trials": 2}, "resources": {"address": "none", "per_trial": {"cpus": 1.0, "gpus": 0.0}}, "limits": {"retries": 2, "max_failures": 5}, "journal": {"wait": "10m"}, "tracking": {"mlflow": "none"}}','{"study": {"metric": "val_loss", "goal": "minimize", "seed": 12, "at": "last"}, "trainer": {"use": "tests.journal.veteran:train", "epochs": 2, "options": {"pace": 0.0}}, "space": {"x": {"low": 0.2, "high": 0.8}}, "search": {"method": "random"}, "prune": {"method": "never"}, "early_stopping": {}}','COMPLETE',NULL,1795953239896,'0.1.0');
INSERT INTO "hpsearch_studies" VALUES(2,'99758d65adaf4cfdac0f032dca725af6','limited','{"study": {"name": "limited", "metric": "val_loss", "goal": "minimize", "seed": 14, "at": "best"}, "trainer": {"use": "tests.journal.veteran:train", "epochs": 4, "repeats": 1, "options": {"pace": 0.0}}, "space": {"x": {"low": 0.2, "high": 0.8}}, "search": {"method": "random", "trials": 3}, "resources": {"address": "none", "per_trial": {"cpus": 1.0, "gpus": 0.0}}, "limits": {"epochs": 6, "retries": 2, "max_failures": 5}, "journal": {"wait": "10m"}, "tracking": {"mlflow": "none"}}','{"study": {"metric": "val_loss", "goal": "minimize", "seed": 14, "at": "best"}, "trainer": {"use": "tests.journal.veteran:train", "epochs": 4, "options": {"pace": 0.0}}, "space": {"x": {"low": 0.2, "high": 0.8}}, "search": {"method": "random"}, "prune": {"method": "never"}, "early_stopping": {}}','STOPPED',NULL,1795953250893,'0.1.0');
INSERT INTO "hpsearch_studies" VALUES(3,'54aeebd5adeb49ebb980e3ddc93799fc','rounds','{"study": {"name": "rounds", "metric": "val_loss", "goal": "minimize", "seed": 15, "at": "best"}, "trainer": {"use": "tests.journal.veteran:train", "epochs": 4, "repeats": 1, "options": {"pace": 0.0}}, "space": {"x": {"low": 0.2, "high": 0.8}}, "search": {"method": "recipe", "budget": {"epochs": 30, "earlier": []}, "rounds": [], "keep": 0.5, "top": 0.15, "margin": 0.1, "preflight": true, "lr_range": true}, "preflight": {"limit": "10m", "skip": []}, "resources": {"address": "none", "per_trial": {"cpus": 1.0, "gpus": 0.0}}, "limits": {"retries": 2, "max_failures": 5}, "journal": {"wait": "10m"}, "tracking": {"mlflow": "none"}}','{"study": {"metric": "val_loss", "goal": "minimize", "seed": 15, "at": "best"}, "trainer": {"use": "tests.journal.veteran:train", "epochs": 4, "options": {"pace": 0.0}}, "space": {"x": {"low": 0.2, "high": 0.8}}, "search": {"method": "recipe", "keep": 0.5, "top": 0.15, "margin": 0.1, "preflight": true, "lr_range": true}, "prune": {"method": "never"}, "early_stopping": {}}','COMPLETE',NULL,1795953265115,'0.1.0');
INSERT INTO "hpsearch_studies" VALUES(4,'0c80718d4bec4e62bbb0f24a639a899b','fates','{"study": {"name": "fates", "metric": "val_loss", "goal": "minimize", "seed": 13, "at": "best"}, "trainer": {"use": "tests.journal.fates:train", "epochs": 6, "repeats": 1, "options": {}}, "space": {"fate": ["done", "also done", "once more", "diverges", "pruned", "patience", "out of memory", "lost", "timeout", "stalled", "raises", "interrupted"]}, "search": {"method": "grid"}, "prune": {"method": "median", "startup_trials": 3, "warmup_epochs": 0, "interval": 1}, "early_stopping": {"patience": 2, "min_delta": 0.0}, "resources": {"workers": 1, "address": "local", "per_trial": {"cpus": 1.0, "gpus": 0.0}}, "limits": {"trial": "5s", "stall": "4s", "retries": 1, "max_failures": 9}, "journal": {"wait": "10m"}, "tracking": {"mlflow": "none"}}','{"study": {"metric": "val_loss", "goal": "minimize", "seed": 13, "at": "best"}, "trainer": {"use": "tests.journal.fates:train", "epochs": 6, "options": {}}, "space": {"fate": ["done", "also done", "once more", "diverges", "pruned", "patience", "out of memory", "lost", "timeout", "stalled", "raises", "interrupted"]}, "search": {"method": "grid"}, "prune": {"method": "median", "startup_trials": 3, "warmup_epochs": 0, "interval": 1}, "early_stopping": {"patience": 2, "min_delta": 0.0}}','STOPPED',NULL,1795953314947,'0.1.0');
INSERT INTO "hpsearch_studies" VALUES(5,'f9bde7f480b7449fbb5e9b0178c41561','veteran','{"study": {"name": "veteran", "metric": "val_loss", "goal": "minimize", "seed": 11, "at": "best"}, "trainer": {"use": "tests.journal.veteran:train", "epochs": 6, "repeats": 1, "options": {"pace": 0.022}}, "space": {"x": {"low": 0.0, "high": 1.0}, "kind": ["plain", "schr\u00e4g"], "drift": {"low": 0.1, "high": 0.5, "when": {"kind": ["plain"]}}}, "search": {"method": "coarse-to-fine", "rounds": [{"trials": 9, "epochs": 2}, {"trials": 4, "epochs": 4}, {"trials": 2, "epochs": 6}], "keep": 0.5, "top": 0.25, "margin": 0.1}, "prune": {"method": "median", "startup_trials": 3, "warmup_epochs": 0, "interval": 1}, "resources": {"address": "none", "per_trial": {"cpus": 1.0, "gpus": 0.0}}, "limits": {"retries": 2, "max_failures": 5}, "journal": {"wait": "10m"}, "tracking": {"mlflow": "none"}}','{"study": {"metric": "val_loss", "goal": "minimize", "seed": 11, "at": "best"}, "trainer": {"use": "tests.journal.veteran:train", "epochs": 6, "options": {"pace": 0.022}}, "space": {"x": {"low": 0.0, "high": 1.0}, "kind": ["plain", "schr\u00e4g"], "drift": {"low": 0.1, "high": 0.5, "when": {"kind": ["plain"]}}}, "search": {"method": "coarse-to-fine", "keep": 0.5, "top": 0.25, "margin": 0.1}, "prune": {"method": "median", "startup_trials": 3, "warmup_epochs": 0, "interval": 1}, "early_stopping": {}}','RUNNING',NULL,1795953390549,'0.1.0');
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
INSERT INTO "hpsearch_trials" VALUES(1,0,'{"x": 0.5708807806500759}',2025955057,2,'COMPLETE',1,'trained all 2 epochs','random draw 1 of 2',1,1,0,8.64029800004573189653e-03,'',2,0.0436981590865233,0.0436981590865233,2,1795953240031,1795953244967,3);
INSERT INTO "hpsearch_trials" VALUES(1,1,'{"x": 0.37308055864364653}',1489823573,2,'COMPLETE',1,'trained all 2 epochs','random draw 2 of 2',1,2,1,1.06941929998356499709e-02,'',2,5.56463649851282493585e-01,5.56463649851282493585e-01,2,1795953244967,1795953245015,4);
INSERT INTO "hpsearch_trials" VALUES(2,0,'{"x": 0.26631376691533076}',749077302,4,'COMPLETE',1,'trained all 4 epochs','random draw 1 of 3',1,1,0,1.74510990000271704047e-02,'',4,2.61058106870749706551e-01,2.61058106870749706551e-01,1,1795953250966,1795953254682,3);
INSERT INTO "hpsearch_trials" VALUES(2,1,'{"x": 0.23740852561659698}',743282466,4,'WAITING',1,'trained its share of limits.epochs = 6','random draw 2 of 3',1,0,1,7.1410059999834629707e-03,'',2,1.04339744918644505844e-02,1.04339744918644505844e-02,2,1795953254683,0,4);
INSERT INTO "hpsearch_trials" VALUES(3,0,'{"x": 0.5055001160129906}',427933249,1,'PAUSED',1,'trained to epoch 1, as far as round 1 goes','round 1: spread over the whole space',1,1,0,2.55412600017734803259e-03,'',1,5.94578726128283774343e-01,5.94578726128283774343e-01,1,1795953267718,1795953267836,4);
INSERT INTO "hpsearch_trials" VALUES(3,1,'{"x": 0.363736972026527}',997202913,4,'COMPLETE',3,'trained all 4 epochs','round 1: spread over the whole space',1,17,1,2.92666139998800645116e-02,'',4,5.11941039289727783945e-02,5.11941039289727783945e-02,1,1795953267837,1795953268474,20);
INSERT INTO "hpsearch_trials" VALUES(3,2,'{"x": 0.26994158513844013}',1210131908,2,'PAUSED',2,'trained to epoch 2, as far as round 2 goes','round 1: spread over the whole space',1,13,2,1.35679029999664635397e-02,'',2,2.68927572209737952846e-01,2.68927572209737952846e-01,1,1795953267868,1795953268291,16);
INSERT INTO "hpsearch_trials" VALUES(3,3,'{"x": 0.7117048095911742}',198153234,1,'PAUSED',1,'trained to epoch 1, as far as round 1 goes','round 1: spread over the whole space',1,4,3,9.67870800013770349323e-03,'',1,3.97569942019504962704e-01,3.97569942019504962704e-01,1,1795953267903,1795953267932,7);
INSERT INTO "hpsearch_trials" VALUES(3,4,'{"x": 0.7909161711111665}',1214076840,4,'COMPLETE',3,'trained all 4 epochs','round 1: spread over the whole space',1,18,4,1.22156570000697684008e-02,'',4,0.161625120145668,0.161625120145668,1,1795953267933,1795953268510,21);
INSERT INTO "hpsearch_trials" VALUES(3,5,'{"x": 0.3397048341110349}',2029291630,1,'PAUSED',1,'trained to epoch 1, as far as round 1 goes','round 1: spread over the whole space',1,6,5,2.26872299981550895608e-03,'',1,5.91158478416322852311e-01,5.91158478416322852311e-01,1,1795953267964,1795953267996,9);
INSERT INTO "hpsearch_trials" VALUES(3,6,'{"x": 0.43335374444723135}',1723196267,1,'PAUSED',1,'trained to epoch 1, as far as round 1 goes','round 1: spread over the whole space',1,7,6,2.49979599993821466341e-03,'',1,2.92521542701897785399e-01,2.92521542701897785399e-01,1,1795953267996,1795953268027,10);
INSERT INTO "hpsearch_trials" VALUES(3,7,'{"x": 0.5845649830996991}',1752464939,4,'COMPLETE',3,'trained all 4 epochs','round 1: spread over the whole space',1,16,7,2.61887000006026937626e-02,'',4,1.78778690433667453163e-02,1.78778690433667453163e-02,2,1795953268028,1795953268430,19);
INSERT INTO "hpsearch_trials" VALUES(3,8,'{"x": 0.6448127530515195}',786456282,1,'PAUSED',1,'trained to epoch 1, as far as round 1 goes','round 1: spread over the whole space',1,9,8,2.32563700001264805905e-03,'',1,8.62470176859385428969e-01,8.62470176859385428969e-01,1,1795953268056,1795953268075,12);
INSERT INTO "hpsearch_trials" VALUES(3,9,'{"x": 0.654049844635227}',1744722233,4,'COMPLETE',4,'trained all 4 epochs','round 2: spread in windows round the best: x [0.304, 0.8]',1,20,13,2.34496809998745447956e-02,'',4,1.47378826585462086029e-01,1.47378826585462086029e-01,3,1795953268292,1795953268614,23);
INSERT INTO "hpsearch_trials" VALUES(3,10,'{"x": 0.517975642294444}',2107400411,2,'PAUSED',2,'trained to epoch 2, as far as round 2 goes','round 2: spread in windows round the best: x [0.304, 0.8]',1,15,14,6.36395399988032295368e-03,'',2,6.61095715812488826657e-01,6.61095715812488826657e-01,1,1795953268329,1795953268360,18);
INSERT INTO "hpsearch_trials" VALUES(3,11,'{"x": 0.6773525474005837}',1857763073,4,'COMPLETE',3,'trained all 4 epochs','round 3: spread in windows round the best: x [0.314, 0.8]',1,19,18,1.05640599999787809792e-02,'',4,2.78563069640203497812e-01,2.78563069640203497812e-01,4,1795953268511,1795953268539,22);
INSERT INTO "hpsearch_trials" VALUES(4,0,'{"fate": "done"}',1494384796,6,'COMPLETE',1,'trained all 6 epochs','grid point 1 of 12',1,1,0,1.15231000108906300738e-04,'',6,8.33333333333333287074e-02,8.33333333333333287074e-02,6,1795953315009,1795953315038,3);
INSERT INTO "hpsearch_trials" VALUES(4,1,'{"fate": "also done"}',196631197,6,'COMPLETE',1,'trained all 6 epochs','grid point 2 of 12',1,2,1,1.06858999970427248626e-04,'',6,8.33333333333333287074e-02,8.33333333333333287074e-02,6,1795953315039,1795953315053,4);
INSERT INTO "hpsearch_trials" VALUES(4,2,'{"fate": "once more"}',656735741,6,'COMPLETE',1,'trained all 6 epochs','grid point 3 of 12',1,3,2,8.51260001581977121531e-05,'',6,8.33333333333333287074e-02,8.33333333333333287074e-02,6,1795953315053,1795953315059,5);
INSERT INTO "hpsearch_trials" VALUES(4,3,'{"fate": "diverges"}',627275580,6,'PRUNED',1,'diverged: val_loss is nan at epoch 2','grid point 4 of 12',1,4,3,1.90201999885175609961e-04,'',2,NULL,NULL,NULL,1795953315059,1795953315065,6);
INSERT INTO "hpsearch_trials" VALUES(4,4,'{"fate": "pruned"}',1549855892,6,'PRUNED',1,'median: val_loss 9 at epoch 1 is worse than 0.5, the median of 4 others','grid point 5 of 12',1,5,4,1.42350999794871313497e-04,'',1,9.0,9.0,1,1795953315065,1795953315071,7);
INSERT INTO "hpsearch_trials" VALUES(4,5,'{"fate": "patience"}',37129432,6,'COMPLETE',1,'early stop: no better val_loss than 0.1 (epoch 1) for 2 epochs','grid point 6 of 12',1,6,5,6.77800003359152469784e-05,'',3,0.1,0.1,1,1795953315071,1795953315078,8);
INSERT INTO "hpsearch_trials" VALUES(4,6,'{"fate": "out of memory"}',824203102,6,'FAILED',1,'out of memory even alone (MemoryError): try a smaller batch_size or model, or more resources.per_trial.memory or gpus','grid point 7 of 12',1,7,6,6.65125999603333184495e-04,'Traceback (most recent call last):
  File "/home/ada/hpsearch/hpsearch/worker.py", line 219, in slice
    ended = self._train(fresh, began, waited)
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/home/ada/hpsearch/hpsearch/worker.py", line 244, in _train
    report = self._next()
             ^^^^^^^^^^^^
  File "/home/ada/hpsearch/hpsearch/worker.py", line 259, in _next
    report = next(self.reports)
             ^^^^^^^^^^^^^^^^^^
  File "/home/ada/hpsearch/tests/journal/fates.py", line 17, in train
    raise MemoryError
MemoryError',0,NULL,NULL,NULL,1795953315078,1795953315094,10);
INSERT INTO "hpsearch_trials" VALUES(4,7,'{"fate": "lost"}',2072462754,6,'FAILED',1,'its worker vanished (ActorDiedError); 2 workers lost (limits.retries)','grid point 8 of 12',2,8,7,0.0,'',0,NULL,NULL,NULL,1795953315094,1795953321647,13);
INSERT INTO "hpsearch_trials" VALUES(4,8,'{"fate": "timeout"}',845705990,6,'PRUNED',1,'timeout: over limits.trial = 5 s','grid point 9 of 12',1,9,8,5.20117047999974602134e+00,'',4,0.0625,0.0625,4,1795953327927,1795953333199,18);
INSERT INTO "hpsearch_trials" VALUES(4,9,'{"fate": "stalled"}',500912532,6,'FAILED',1,'stalled: no report for limits.stall = 4 s; 2 workers lost (limits.retries)','grid point 10 of 12',2,10,9,0.0,'',0,NULL,NULL,NULL,1795953338904,1795953353706,22);
INSERT INTO "hpsearch_trials" VALUES(4,10,'{"fate": "raises"}',1026672155,6,'FAILED',1,'ValueError: größer als erlaubt; 2 workers lost (limits.retries)','grid point 11 of 12',1,11,10,0.000505540000176552,'Traceback (most recent call last):
  File "/home/ada/hpsearch/hpsearch/worker.py", line 219, in slice
    ended = self._train(fresh, began, waited)
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/home/ada/hpsearch/hpsearch/worker.py", line 244, in _train
    report = self._next()
             ^^^^^^^^^^^^
  File "/home/ada/hpsearch/hpsearch/worker.py", line 259, in _next
    report = next(self.reports)
             ^^^^^^^^^^^^^^^^^^
  File "/home/ada/hpsearch/tests/journal/fates.py", line 23, in train
    raise ValueError("größer als erlaubt; 2 workers lost (limits.retries)")
ValueError: größer als erlaubt; 2 workers lost (limits.retries)',1,0.5,0.5,1,1795953361847,1795953361870,24);
INSERT INTO "hpsearch_trials" VALUES(4,11,'{"fate": "interrupted"}',615119146,6,'WAITING',1,'stopped by SIGINT','grid point 12 of 12',1,0,11,3.90090980099967055139e+00,'',3,8.33333333333333287074e-02,8.33333333333333287074e-02,3,1795953361870,0,27);
INSERT INTO "hpsearch_trials" VALUES(5,0,'{"x": 0.6250808818675494, "kind": "schr\u00e4g"}',352609964,2,'PAUSED',1,'trained to epoch 2, as far as round 1 goes','round 1: drawn anywhere in the space',1,1,0,4.70627449999483360443e-02,'',2,0.256183438400798,0.256183438400798,2,1795953390743,1795953399227,4);
INSERT INTO "hpsearch_trials" VALUES(5,1,'{"x": 0.4861712718975828, "kind": "plain", "drift": 0.10248830391638647}',1690379211,4,'PAUSED',2,'trained to epoch 4, as far as round 2 goes','round 1: drawn anywhere in the space',1,10,1,9.60042049991898238658e-02,'',4,3.80139266625645344532e-02,3.80139266625645344532e-02,1,1795953399235,1795953399955,19);
INSERT INTO "hpsearch_trials" VALUES(5,2,'{"x": 0.20147861525202249, "kind": "plain", "drift": 0.14908870000648294}',1043107172,2,'PAUSED',1,'trained to epoch 2, as far as round 1 goes','round 1: drawn anywhere in the space',1,3,2,4.80610129998240154236e-02,'',2,3.23170750498908532222e-01,3.23170750498908532222e-01,1,1795953399325,1795953399405,8);
INSERT INTO "hpsearch_trials" VALUES(5,3,'{"x": 0.06238987889483727, "kind": "schr\u00e4g"}',45081323,2,'PRUNED',1,'diverged: val_loss is nan at epoch 2','round 1: drawn anywhere in the space',1,4,3,4.77138890005335269961e-02,'',2,NULL,NULL,NULL,1795953399412,1795953399495,10);
INSERT INTO "hpsearch_trials" VALUES(5,4,'{"x": 0.14826027357175786, "kind": "plain", "drift": 0.4025261729063079}',938152750,2,'PRUNED',1,'median: val_loss 0.3627 at epoch 1 is worse than 0.2254, the median of 4 others','round 1: drawn anywhere in the space',1,5,4,3.05617540002458554226e-02,'',1,3.62691550420522701436e-01,3.62691550420522701436e-01,1,1795953399495,1795953399536,11);
INSERT INTO "hpsearch_trials" VALUES(5,5,'{"x": 0.5318380937578351, "kind": "plain", "drift": 0.33968518184747776}',1182187418,4,'PAUSED',2,'trained to epoch 4, as far as round 2 goes','round 1: drawn anywhere in the space',1,11,5,1.10734680999939882894e-01,'',4,1.14593598708632171678e-01,1.14593598708632171678e-01,1,1795953399537,1795953400126,21);
INSERT INTO "hpsearch_trials" VALUES(5,6,'{"x": 0.8572419555085227, "kind": "plain", "drift": 0.2671754135132278}',325185313,2,'FAILED',1,'ValueError: x = 0.8572419555085227 is too much — größer als erlaubt','round 1: drawn anywhere in the space',1,7,6,0.0571474139997008,'Traceback (most recent call last):
  File "/home/ada/hpsearch/hpsearch/worker.py", line 219, in slice
    ended = self._train(fresh, began, waited)
            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/home/ada/hpsearch/hpsearch/worker.py", line 244, in _train
    report = self._next()
             ^^^^^^^^^^^^
  File "/home/ada/hpsearch/hpsearch/worker.py", line 259, in _next
    report = next(self.reports)
             ^^^^^^^^^^^^^^^^^^
  File "/home/ada/hpsearch/tests/journal/veteran.py", line 20, in train
    raise ValueError(f"x = {params[''x'']} is too much — größer als erlaubt")
ValueError: x = 0.8572419555085227 is too much — größer als erlaubt',1,2.03655081902795132009e-01,2.03655081902795132009e-01,1,1795953399632,1795953399726,15);
INSERT INTO "hpsearch_trials" VALUES(5,7,'{"x": 0.7888364295998244, "kind": "plain", "drift": 0.4619699724159936}',2137039049,2,'PRUNED',1,'median: val_loss 0.3219 at epoch 1 is worse than 0.2037, the median of 7 others','round 1: drawn anywhere in the space',1,8,7,2.42319310000311816111e-02,'',1,3.21850692806491700537e-01,3.21850692806491700537e-01,1,1795953399727,1795953399775,16);
INSERT INTO "hpsearch_trials" VALUES(5,8,'{"x": 0.7869785419864199, "kind": "schr\u00e4g"}',1773144820,2,'PRUNED',1,'median: val_loss 0.6281 at epoch 1 is worse than 0.2628, the median of 8 others','round 1: drawn anywhere in the space',1,9,8,2.24332950001553399488e-02,'',1,6.28083133910010582567e-01,6.28083133910010582567e-01,1,1795953399775,1795953399817,17);
INSERT INTO "hpsearch_trials" VALUES(5,9,'{"x": 0.42308457212730516, "kind": "plain", "drift": 0.23517254106491692}',1050382957,4,'RUNNING',2,'','round 2: drawn in windows round the best: x [0.386, 0.725], drift [0.1, 0.3] (moved)',1,0,11,5.23986950001926743425e-02,'',2,1.69090797391821534567e-02,1.69090797391821534567e-02,2,1795953400127,0,23);
CREATE INDEX ix_hpsearch_trials_study_id_revision ON hpsearch_trials (study_id, revision);
CREATE INDEX ix_hpsearch_reports_study_id_revision ON hpsearch_reports (study_id, revision);
COMMIT;