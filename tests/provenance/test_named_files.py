"""Which files and environment variables a trainer's text names."""

from pathlib import Path

import pytest

from hpsearch.provenance.named_files import NamedInputs, named_inputs, settings_text

FILES = ("config.yaml", "conf/base.yaml", "conf/model/small.yaml", "data.csv", "table.json", "other.py", "notes.md")


def found(folder: Path, text: str, words: tuple[str, ...] = ()) -> NamedInputs:
    return named_inputs([(text, folder)], words, [folder])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a: 1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('yaml.safe_load(open("config.yaml"))', "config.yaml"),
        ('Path(__file__).parent / "conf" / "base.yaml"', "conf/base.yaml"),
        ('(HERE / "conf/base.yaml").read_text()', "conf/base.yaml"),
        ('open(os.path.join(os.path.dirname(__file__), "conf", "base.yaml"))', "conf/base.yaml"),
        ('CONF = Path("conf")\nload(CONF / "base.yaml")', "base.yaml"),
        ('p.add_argument("--config", default="config.yaml")', "config.yaml"),
        ('def train(params, run, config="table.json"): open(config)', "table.json"),
        ('runpy.run_path("other.py")', "other.py"),
        ('@hydra.main(config_path="conf", config_name="base")\ndef train(): ...', "conf/model/small.yaml"),
    ],
)
def test_settings(project: Path, text: str, name: str) -> None:
    assert name in found(project, text).settings


@pytest.mark.parametrize(
    "text",
    [
        'open("table.json", "w")',
        'open("table.json", mode="a")',
        'Path("table.json").open("w")',
        'Path("table.json").write_text("{}")',
        'OUT = Path("table.json")\nOUT.write_text("{}")',
        'class A:\n  def f(self):\n    self.out = "table.json"\n    json.dump(1, open(self.out, "w"))',
        'frame.to_json("table.json")',
        'p.add_argument("--out", default="table.json")\nsave(args.out)',
        'def train(params, run, out="table.json"):\n  open(out, "x")',
        'print("table.json is written")',
        '"notes.md"',
        '"missing.yaml"',
        "not python at all (",
    ],
)
def test_results_and_other_text(project: Path, text: str) -> None:
    assert found(project, text) == NamedInputs()


def test_data_and_the_study_files_own_words(project: Path) -> None:
    assert found(project, 'pd.read_csv("data.csv")').data == {"data.csv": project / "data.csv"}
    assert found(project, "", ("config.yaml", "adam", "64")).settings == {"config.yaml": project / "config.yaml"}


def test_a_source_file_may_be_in_a_package_below(project: Path) -> None:
    (project / "src").mkdir()
    assert named_inputs([('open("../config.yaml"); open("data.csv")', project / "src")], (), ()).data


def test_environment_variables() -> None:
    text = 'os.environ["SCALE"]; os.environ.get("MODE", 1); os.getenv("DEPTH"); os.environ["SET"] = "1"\n'
    text += 'os.environ["LOCAL_RANK"]; os.getenv("API_KEY"); os.environ.get("HPSEARCH_DATA"); environ["SHORT"]'
    assert named_inputs([(text, Path())], (), ()).variables == {"SCALE", "MODE", "DEPTH", "SHORT"}


@pytest.mark.parametrize(
    ("name", "text", "same"),
    [
        ("a.yaml", "k: 1\nl: [1, 2]\n", "# comment\nk:   1\nl:\n  - 1\n  - 2\n"),
        ("a.json", '{"k": 1}', '{\n  "k": 1\n}\n'),
        ("a.toml", "k = 1\n", "k=1  # comment\n"),
        ("a.ini", "[s]\nk = 1\n", "; comment\n[s]\nk=1\n"),
    ],
)
def test_comments_and_layout_are_no_change(tmp_path: Path, name: str, text: str, same: str) -> None:
    read = []
    for content in (text, same, text.replace("1", "3")):
        (tmp_path / name).write_text(content)
        read.append(settings_text(tmp_path / name))
    assert read[0] == read[1] != read[2]
