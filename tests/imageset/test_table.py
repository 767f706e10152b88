"""The label table: what is read, what is refused, and the facts that the checks judge."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpapipe.config import Data
from hpapipe.errors import UserError
from hpapipe.imageset.table import is_safe, label_facts, read_sample, read_table, refuse_unsafe

DATA = Data(channels=("red", "green"), labels=tuple("abcdefg"))


def written(folder: Path, text: str | bytes, name: str = "train.csv") -> Path:
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def facts_of(folder: Path, text: str, data: Data = DATA) -> pd.Series:
    """The facts of the only row."""
    return label_facts(read_table(written(folder, text), data), folder, data).iloc[0]


@pytest.mark.parametrize(
    "text",
    [
        "Id,Target\na,0 1\nb,2\n",
        "\ufeffId,Target\na,0 1\nb,2\n",
        "Id,Target\r\na,0 1\r\nb,2\r\n",
        " Id , Target \n a , 0 1  \n b ,2 \n",
        '"Id","Target"\n"a","0 1"\n"b","2"\n',
        "Target,Other,Id\n0 1,x,a\n2,y,b",
    ],
    ids=["plain", "byte-order mark", "other line ends", "blanks", "quoted", "more columns"],
)
def test_ways_to_write_one_table(tmp_path: Path, text: str) -> None:
    """Byte-order marks, line ends, blanks, quotes and other columns change nothing."""
    rows = read_table(written(tmp_path, text), DATA)
    assert rows.to_dict("list") == {"row": [2, 3], "id": ["a", "b"], "target": ["0 1", "2"], "group": ["", ""]}


def test_ids_stay_text(tmp_path: Path) -> None:
    """Ids that look like numbers or missing values are kept letter by letter."""
    rows = read_table(written(tmp_path, "Id,Target\n007,0\n1e5,0\nNA,0\nnull,0\n"), DATA)
    assert list(rows["id"]) == ["007", "1e5", "NA", "null"]


def test_blank_lines_are_left_out_and_still_counted(tmp_path: Path) -> None:
    """`row` is the line in the file, so a user finds it."""
    rows = read_table(written(tmp_path, "Id,Target\na,0\n\n,\nb,1\n"), DATA)
    assert list(rows["row"]) == [2, 5]


def test_group_column_is_read(tmp_path: Path) -> None:
    """The column that `data.group_column` names becomes `group`."""
    data = DATA.model_copy(update={"group_column": "plate"})
    assert list(read_table(written(tmp_path, "Id,Target,plate\na,0, p1 \n"), data)["group"]) == ["p1"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Id,Label\na,0\n", r"column `Target`.*Received Id, Label"),
        ("id,Target\na,0\n", r"column `Id`.*Known are `id`, `Target`"),
        ("Id\tTarget\na\t0\n", "column `Id`"),
        ("Id,Target\n", "at least one field.*no rows"),
        ("Id,Target\n,\n\n", "at least one field.*no rows"),
        ("", "readable CSV"),
        ("Id,Target\na,0\nb,1,5\n", "readable CSV.*line 3"),
        ("Id,Target\na,0,\nb,1,\n", "one value a column.*more values than the header's 2"),
        ("Id,Id ,Target\na,b,0\n", "its own name.*`Id` twice"),
        ("Id,Target\né,0\n".encode("utf-16"), "readable CSV"),
        ("Id,Target\n,5\n", "Received an empty id in train.csv"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, text: str | bytes, words: str) -> None:
    """Each fault is told in one line that names it."""
    with pytest.raises(UserError, match=words):
        read_table(written(tmp_path, text), DATA)


def test_missing_table_names_the_nearest_file(tmp_path: Path) -> None:
    """A table of another name is suggested."""
    with pytest.raises(UserError, match=r"no train\.csv.*Did you mean `trains\.csv`\?"):
        read_table(written(tmp_path, "Id,Target\n", "trains.csv"), DATA)


def test_missing_folder_is_told(tmp_path: Path) -> None:
    """A folder that is none is told before its table is looked for."""
    with pytest.raises(UserError, match=r"`data\.folder` must be a folder"):
        read_table(tmp_path / "none", DATA)


@pytest.mark.parametrize(
    "text",
    [
        "Id,Predicted\n02,0\nb,0\nNA,\n",
        "\ufeffId,Predicted\r\n 02 ,0\r\n\r\nb,0\r\nNA,\r\n,\r\n",
        "Predicted,Other,Id\n0,x,02\n0,y,b\n,z,NA",
    ],
    ids=["plain", "byte-order mark, blanks, blank lines", "more columns"],
)
def test_a_sample_is_its_ids_in_their_order(tmp_path: Path, text: str) -> None:
    """They stay text, letter by letter, with or without predictions."""
    assert read_sample(written(tmp_path, text, "sample.csv") / "sample.csv") == ("02", "b", "NA")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"The sample submission must be readable CSV\."),
        ("Id,Predicted\né,0\n".encode("utf-16"), r"The sample submission must be readable CSV\."),
        ("Id,Target\na,0\n", r"must have a column `Predicted`\. Received Id, Target"),
        ("Id,Predicted\n\n,\n", r"at least one id\. Received no rows"),
        ("Id,Predicted\na,0\nb,0\na,1\n,0\n", r"its own id\. Received an empty id, `a` twice in .*sample\.csv\."),
    ],
    ids=["empty", "UTF-16", "column", "no rows", "ids"],
)
def test_samples_that_are_refused(tmp_path: Path, text: str | bytes, words: str) -> None:
    """Each fault is told in one line that names it."""
    with pytest.raises(UserError, match=words):
        read_sample(written(tmp_path, text, "sample.csv") / "sample.csv")


@pytest.mark.parametrize(
    "name", ["../a", "a/../../b", "/etc/a", "C:/a", "C:a", r"C:\a", r"\\host\share\a", r"..\a", "a\0b", ""]
)
def test_ids_that_leave_the_folder_are_unsafe(name: str) -> None:
    """Climbing, absolute, Windows and empty paths are unsafe on every system."""
    assert not is_safe(name)
    with pytest.raises(UserError, match="not empty, relative"):
        refuse_unsafe(["fine", name], "train.csv")


@pytest.mark.parametrize("name", ["a", "a/b", "a.b", "..a", "a..", "00070df0-bbc3-11e8-b2bc-ac1f6b6435d0", "é ü"])
def test_plain_ids_are_safe(name: str) -> None:
    """Subfolders, dots inside a name and other alphabets are accepted."""
    assert is_safe(name)


@given(st.text(alphabet="ab./\\:~", min_size=1, max_size=12))
def test_safe_ids_resolve_inside_the_folder(name: str) -> None:
    """Whatever is called safe stays below the folder."""
    folder = Path("/images").resolve()
    if is_safe(name):
        assert (folder / name).resolve().is_relative_to(folder)


def test_unsafe_ids_in_a_table_are_refused(tmp_path: Path) -> None:
    """The id and the table are named."""
    with pytest.raises(UserError, match=r"\.\./b in train\.csv"):
        read_table(written(tmp_path, "Id,Target\na,0\n../b,1\n"), DATA)


@pytest.mark.parametrize(
    ("target", "labels", "wrong", "repeated"),
    [
        ("0 6", 2, 0, 0),
        ("7", 1, 1, 0),
        ("-1", 1, 1, 0),
        ("x 1.0 +2 1_0 ٣", 5, 5, 0),
        ("3 3 3", 3, 0, 2),
        ("", 0, 0, 0),
    ],
)
def test_targets_are_counted(tmp_path: Path, target: str, labels: int, wrong: int, repeated: int) -> None:
    """Labels named, words that are no index of 0 to 6, and repetitions."""
    facts = facts_of(tmp_path, f"Id,Target\na,{target}\n")
    assert (facts["labels"], facts["wrong_labels"], facts["repeated_labels"]) == (labels, wrong, repeated)


def test_faults_are_told_in_words(tmp_path: Path) -> None:
    """A wrong index and a missing file stand in one text."""
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a_red.png").touch()
    facts = facts_of(tmp_path, "Id,Target\na,31 0\n")
    assert facts["missing_files"] == 1
    assert (
        facts["faults"]
        == "`Target` must hold indices 0 to 6: received 31; no file for green, such as train/a_green.png"
    )


def test_no_fault_where_all_is_well(tmp_path: Path) -> None:
    """A row with both files and known indices has an empty text, in a subfolder of the id as well."""
    (tmp_path / "train" / "plate").mkdir(parents=True)
    for channel in DATA.channels:
        (tmp_path / "train" / "plate" / f"a_{channel}.png").touch()
    facts = facts_of(tmp_path, "Id,Target\nplate/a,0\n")
    assert (facts["missing_files"], facts["faults"], facts["copies"]) == (0, "", 1)


def test_copies_count_rows_of_one_id(tmp_path: Path) -> None:
    """An id that stands twice counts two in both rows."""
    rows = read_table(written(tmp_path, "Id,Target\na,0\nb,0\na,1\n"), DATA)
    assert list(label_facts(rows, tmp_path, DATA)["copies"]) == [2, 1, 2]
