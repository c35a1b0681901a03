"""What browsers are sent besides pages: vendored as it was made, nothing inline, nothing from elsewhere."""

import hashlib
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.once


ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
VENDOR = STATIC / "vendor"
TEMPLATES = ROOT / "templates" / "portal"
SOURCES = [
    *TEMPLATES.rglob("*.html"),
    *(path for path in STATIC.rglob("*") if path.suffix in {".css", ".js"} and VENDOR not in path.parents),
]


def manifest() -> tuple[dict[str, str], list[str]]:
    sums, packages = {}, []
    for line in (VENDOR / "MANIFEST.sha256").read_text().splitlines():
        if match := re.fullmatch(r"([0-9a-f]{64})  (\S+)", line):
            sums[match[2]] = match[1]
        elif match := re.fullmatch(r"# (\S+) (\d[\w.]*) \(([\w.-]+), (\S+)\)", line):
            packages.append(match[4])
    return sums, packages


def test_every_vendored_file_is_the_one_of_the_manifest():
    sums, _ = manifest()
    there = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "MANIFEST.sha256"
    }
    assert there == sums


def test_every_vendored_package_brings_its_licence():
    sums, licences = manifest()
    assert {name.split("/")[0] for name in sums} == {name.split("/")[0] for name in licences}
    for name in licences:
        assert (VENDOR / name).stat().st_size > 200, name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_is_inline_and_nothing_comes_from_elsewhere(path: Path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", text)
    assert not re.search(r"@import|url\(\s*[\"']?(?:https?:)?//", text)
    if path.suffix == ".html":
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|hx-on|hx-vals=.js:", text)
        for tag in re.findall(r"<script[^>]*>", text):
            assert "src=" in tag, tag
    else:
        assert not re.search(r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML", text)


def test_every_icon_that_is_named_is_there_and_no_other():
    named = set()
    for path in [*TEMPLATES.rglob("*.html"), *(ROOT / "app/surfaces/portal").glob("*.py")]:
        named.update(re.findall(r'"([a-z][a-z0-9-]*)"', path.read_text(encoding="utf-8")))
    for path in STATIC.glob("css/*.css"):
        named.update(re.findall(r"icons/([a-z0-9-]+)\.svg", path.read_text(encoding="utf-8")))
    there = {path.stem for path in (VENDOR / "lucide/icons").glob("*.svg")}
    called = {
        name
        for path in TEMPLATES.rglob("*.html")
        for name in re.findall(r'icon\("([a-z0-9-]+)"\)', path.read_text(encoding="utf-8"))
    }
    assert called <= there
    assert there - named == set(), "vendored, but no page shows it"
