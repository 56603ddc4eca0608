"""The pages for instructors and students say what the chapters say."""

import re

from chapter import CHAPTERS, ROOT, read
from exercise import CODED, exercises

GUIDE = (ROOT / "reference/instructors.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| (\d+)\. \[.+?\]\(#[\w-]+\) \|.*\| (\d+) \| (\d+) \| (\d+), (\d+) \|$", re.MULTILINE
)


def section(label):
    """The text of a section of the guide, up to the next label."""
    return GUIDE.split(f"({label})=\n")[1].split("\n(instructors-")[0]


def test_the_table_of_chapters_agrees_with_the_chapters():
    rows = ROW.findall(section("instructors-chapters"))
    assert len(rows) == len(CHAPTERS)
    for row, path in zip(rows, CHAPTERS):
        chapter = read(path)
        found = exercises(chapter)
        minutes = re.search(r"(\d+) minutes to read", chapter.cells[0].source)
        points = [sum(e.points for e in found), sum(e.points for e in found if e.kind in CODED)]
        facts = [int(path.name[:2]), int(minutes[1]), sum(e.minutes for e in found), *points]
        assert [int(fact) for fact in row] == facts, path.name


def test_every_chapter_has_objectives_misconceptions_and_a_place_in_the_module():
    for path in CHAPTERS:
        label = re.match(r"\((\S+)\)=", read(path).cells[0].source)[1]
        for name in ("objectives", "misconceptions", "plans"):
            assert f"](#{label})" in section(f"instructors-{name}"), f"{path.name}: {name}"


def test_a_table_of_misconceptions_shows_where_to_look():
    for line in section("instructors-misconceptions").splitlines():
        if line.startswith("|") and '"' in line:
            assert re.search(r"\]\(#[\w-]+\)[^|]*\|$", line), line


def test_no_page_for_readers_gives_a_solution_away():
    guide = GUIDE + (ROOT / "reference/students.md").read_text(encoding="utf-8")
    for path in CHAPTERS:
        for exercise in exercises(read(path)):
            for cell in exercise.cells:
                for region in re.findall(r"BEGIN SOLUTION.*?\n(.*?)\n[^\n]*END", cell.source, re.S):
                    lines = [line.strip() for line in region.splitlines() if len(line.strip()) > 20]
                    assert [line for line in lines if line in guide] == []
