"""Compiled loops with and without a place for their cache."""

from numba.core import caching

from polyhedra import compiled


def test_without_a_place_for_the_cache_loops_are_compiled_and_it_is_said_once(monkeypatch, capsys):
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    compiled._complain.cache_clear()

    def twice(x):
        return 2 * x

    def thrice(x):
        return 3 * x

    assert (compiled.cached()(twice)(7), compiled.cached(nogil=True)(thrice)(7)) == (14, 21)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "NUMBA_CACHE_DIR" in err
    compiled._complain.cache_clear()


def test_with_a_place_nothing_is_said(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path))
    compiled._complain.cache_clear()

    def fourfold(x):
        return 4 * x

    assert compiled.cached()(fourfold)(7) == 28
    assert list(tmp_path.rglob("*fourfold*.nbi"))
    assert capsys.readouterr() == ("", "")


def test_what_is_compiled_in_from_another_file_is_part_of_the_name(monkeypatch, tmp_path):
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path / "cache"))
    other = tmp_path / "constants.py"
    for text in ("FACTOR = 5", "FACTOR = 6"):
        other.write_text(text)
        compiled._digest.cache_clear()

        def multiplied(x):
            return 5 * x

        assert compiled.cached((str(other),))(multiplied)(7) == 35
    assert len(list((tmp_path / "cache").rglob("*multiplied*.nbi"))) == 2
    compiled._digest.cache_clear()
