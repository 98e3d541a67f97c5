"""The documentation pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from leaderboard.site import docs


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(docs, "FOLDER", tmp_path)
    (tmp_path / "metrics.md").write_text(
        "# Metrics\n\nHow they are computed.\n\n## AUsPRO `au_spro`\n\n<script>x</script>\n\n"
        "## Two words\n\n## Two words\n\n[here](other.md#two-words) [there](https://example.org)\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n"
    )
    return tmp_path


def test_a_page_has_a_title_a_summary_and_no_html_of_its_own(folder: Path) -> None:
    page = docs.read("metrics")
    assert page is not None
    assert (page.title, page.summary) == ("Metrics", "How they are computed.")
    assert "<script>" not in page.html
    assert "<table>" in page.html


def test_headings_have_anchors_by_metric_key_or_words(folder: Path) -> None:
    page = docs.read("metrics")
    assert page is not None
    assert '<h2 id="au_spro">' in page.html
    assert '<h2 id="two-words">' in page.html
    assert page.html.count('id="two-words"') == 1


def test_links_between_files_become_links_between_pages(folder: Path) -> None:
    page = docs.read("metrics")
    assert page is not None
    assert 'href="../other/#two-words"' in page.html
    assert 'href="https://example.org"' in page.html


def test_a_table_scrolls_in_a_frame_named_for_its_heading(folder: Path) -> None:
    (folder / "wide.md").write_text('# Wide\n\n## A "b" `c`\n\n| a |\n|---|\n| 1 |\n\nafter\n')
    page = docs.read("wide")
    assert page is not None
    name = "Table: A &quot;b&quot; c"
    assert f'tabindex="0" role="region" aria-label="{name}"><table>' in page.html
    assert "</table>\n</div><p>after</p>" in page.html


def test_a_drawing_can_be_scrolled_by_keyboard(folder: Path) -> None:
    (folder / "drawn.md").write_text("# Drawn\n\n```\n<pre> ---> b\n```\n")
    page = docs.read("drawn")
    assert page is not None
    assert '<pre tabindex="0"><code>&lt;pre&gt; ---&gt; b' in page.html


def test_pages_stand_in_the_order_they_are_needed(folder: Path) -> None:
    for name in ("operating", "zebra", "aardvark", "architecture", "submitting"):
        (folder / f"{name}.md").write_text(f"# {name.title()}\n")
    assert [page.name for page in docs.pages()] == [*docs.ORDER, "aardvark", "zebra"]


@pytest.mark.parametrize("name", ["nothing", "../README", "metrics.md"])
def test_other_names_are_no_pages(name: str, folder: Path) -> None:
    assert docs.read(name) is None


@pytest.mark.django_db
def test_the_pages_of_the_project_are_served(client) -> None:
    assert "Submitting" in client.get("/docs/").content.decode()
    assert client.get("/docs/submitting/").status_code == 200
    assert client.get("/docs/no-such-page/").status_code == 404
