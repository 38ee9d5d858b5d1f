"""Tables of points as people write them: which columns are x, y, z, and every way to write a number."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import process_time

import numpy as np
import pytest
from scan_files import text_rows
from table_files import (
    FROM_ONE,
    HEADERS,
    NUMBERED,
    PLAIN,
    POINTS,
    ROWS,
    UNCLEAR,
    VARIANTS,
    comma,
    draw,
    first_whole,
)

from sedir_core.errors import BadConfig, NoCoordinates, TooFewPoints, UnknownColumns, UnreadableScan
from sedir_core.io.columns import named_axes, parse_columns
from sedir_core.io.finding import why_no_scan
from sedir_core.io.scans import read_scan
from sedir_core.io.table_peek import peek_table


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., np.ndarray]:
    def read_content(content: bytes, name: str = "scan.txt", columns: str = "") -> np.ndarray:
        (tmp_path / name).write_bytes(content)
        return read_scan(tmp_path / name, columns=parse_columns(columns)).points

    return read_content


@pytest.mark.parametrize("header", HEADERS)
def test_columns_are_found_by_name_in_any_language(header: str, read: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(read(header.encode() + b"\n" + text_rows(NUMBERED, ";")), POINTS)


def test_a_header_may_leave_the_column_of_numbers_out(read: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(read(b"X;Y;Z\n" + text_rows(FROM_ONE, ";")), POINTS)


def test_a_row_of_units_below_the_names_is_no_header(read: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(read(b"id;X;Y;Z\n-;mm;mm;mm\n" + text_rows(NUMBERED, ";")), POINTS)


def test_normals_velocities_and_nominal_values_are_not_the_points() -> None:
    assert named_axes(["nx", "ny", "nz", "x", "y", "z"]) == (3, 4, 5)
    assert named_axes(["Normals:0", "Normals:1", "Normals:2", "Points:0", "Points:1", "Points:2"]) == (3, 4, 5)
    assert named_axes(["X soll", "Y soll", "Z soll", "X ist", "Y ist", "Z ist"]) == (3, 4, 5)
    assert named_axes(["vx", "vy", "vz"]) is None


def test_names_that_fit_twice_or_not_at_all_say_nothing() -> None:
    assert named_axes(["left_x", "left_y", "left_z", "right_x", "right_y", "right_z"]) is None
    assert named_axes(["a", "b", "c"]) is None
    assert named_axes(["col0", "col1", "col2"]) is None
    assert named_axes(["length", "width", "height"]) is None


@pytest.mark.parametrize("name", ["scan.off", "scan.txt"])
@pytest.mark.parametrize("counts", ["300 0 0", "300 0", "# exported\n300 0 0\n"])
def test_counts_of_an_off_file_without_its_keyword_are_no_point(
    name: str, counts: str, read: Callable[..., np.ndarray]
) -> None:
    np.testing.assert_array_equal(read(counts.encode() + b"\n" + PLAIN, name), POINTS)


def test_a_count_of_points_as_their_first_row_is_refused(read: Callable[..., np.ndarray]) -> None:
    with pytest.raises(UnreadableScan, match="number of its points"):
        read(b"300,0,0\n" + text_rows(ROWS, ","))


@pytest.mark.parametrize("power", [1, 3, -2])
def test_the_factor_that_matlab_prints_above_a_matrix_is_heeded(power: int, read: Callable[..., np.ndarray]) -> None:
    rows = text_rows([[f"{float(cell) / 10.0**power:.9f}" for cell in row] for row in ROWS], "   ")
    np.testing.assert_allclose(read(b"pts =\n\n   1.0e%+03d *\n\n" % power + rows), POINTS, atol=1e-5)


def test_matrices_with_factors_of_their_own_are_refused(read: Callable[..., np.ndarray]) -> None:
    with pytest.raises(UnreadableScan, match="several matrices"):
        read(b"a =\n   1.0e+01 *\nb =\n   1.0e+02 *\n" + PLAIN)


@pytest.mark.parametrize("header", ["X: Y: Z:", "X:\tY:\tZ:", "X: (mm) Y: (mm) Z: (mm)"])
def test_names_with_colons_are_names(header: str, read: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(read(header.encode() + b"\n" + PLAIN), POINTS)


@pytest.mark.parametrize("rows", [NUMBERED, FROM_ONE])
@pytest.mark.parametrize("separator", [" ", ";", ",", "\t"])
def test_a_first_column_that_counts_is_not_x(rows: list, separator: str, read: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(read(text_rows(rows, separator)), POINTS)


def test_numbers_with_gaps_are_not_x(read: Callable[..., np.ndarray]) -> None:
    numbers = np.cumsum(draw.integers(1, 4, len(ROWS)))
    table = [[int(n), *row, 7] for n, row in zip(numbers, ROWS, strict=True)]
    np.testing.assert_array_equal(read(text_rows(table)), POINTS)


def test_numbers_in_any_order_are_not_x(read: Callable[..., np.ndarray]) -> None:
    table = [[int(n), *row, 7] for n, row in zip(draw.permutation(300) + 1, ROWS, strict=True)]
    np.testing.assert_array_equal(read(text_rows(table)), POINTS)


def test_minus_signs_of_typesetters_are_minus_signs(read: Callable[..., np.ndarray]) -> None:
    content = text_rows([[f"-{cell}" for cell in row] for row in ROWS]).replace(b"-", "\N{MINUS SIGN}".encode())
    np.testing.assert_array_equal(read(content), -POINTS)


def test_evenly_spaced_times_are_not_x(read: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(read(text_rows([[f"{0.01 * i:.2f}", *row] for i, row in enumerate(ROWS)])), POINTS)


def test_coordinates_with_normals_are_read_although_x_is_whole_or_sorted(read: Callable[..., np.ndarray]) -> None:
    normals = [["0.6", "-0.8", "0.0"]] * 300
    for first in (np.rint(POINTS[:, 0]), np.sort(POINTS[:, 0])):
        table = [[f"{x:g}", *row[1:], *normal] for x, row, normal in zip(first, ROWS, normals, strict=True)]
        np.testing.assert_allclose(read(text_rows(table))[:, 0], first, rtol=1e-5)


def test_the_numbers_of_columns_are_no_point(read: Callable[..., np.ndarray]) -> None:
    for separator in (",", ";"):
        np.testing.assert_array_equal(read(separator.join("012").encode() + b"\n" + text_rows(ROWS, separator)), POINTS)
    assert len(read(b"0 1 2\n" + text_rows(np.rint(POINTS).astype(int).tolist()))) == 301  # all are whole: a point


def test_keys_in_a_header_are_names(read: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(read(b"Z:;Y:;X:\n" + text_rows(ROWS, ";")), POINTS[:, ::-1])


@pytest.mark.parametrize("row", ["z={2} y={1} x={0}", "Z:{2},Y:{1},X:{0}", '{{"z": {2}, "y": {1}, "x": {0}}}'])
def test_keys_in_the_rows_are_names(row: str, read: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(read("\n".join(row.format(*cells) for cells in ROWS).encode()), POINTS)


def test_a_comment_may_list_the_fields(read: Callable[..., np.ndarray]) -> None:
    rows = text_rows([[f"{i % 7}.5", *row] for i, row in enumerate(ROWS)])
    np.testing.assert_array_equal(read(b"# fields: intensity x y z\n" + rows), POINTS)
    with pytest.raises(UnknownColumns, match="--columns"):
        read(b"# Mean intensity x y z\n" + rows)
    np.testing.assert_array_equal(read(b"# Cloud of a part, x y z in mm\n" + PLAIN), POINTS)


def test_names_in_a_japanese_encoding_are_names(read: Callable[..., np.ndarray]) -> None:
    header = "Z座標;Y座標;X座標\n".encode("shift-jis")
    np.testing.assert_array_equal(read(header + text_rows(ROWS, ";")), POINTS[:, ::-1])


def test_a_date_with_a_blank_is_one_cell(read: Callable[..., np.ndarray]) -> None:
    rows = [["2026-11-29 10:05:17", *row] for row in ROWS]
    np.testing.assert_array_equal(read(b"time,x,y,z\n" + text_rows(rows, ",")), POINTS)
    with pytest.raises(UnreadableScan, match="is not a number"):
        read(text_rows([[f"{row[0][:-3]} 5", *row[1:]] for row in ROWS], ";"))


def test_the_end_that_dos_puts_into_a_text_is_no_row(read: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(read(PLAIN + b"\x1a"), POINTS)


def test_many_lines_before_the_table_are_a_header(read: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(read(b"# of the scanner\n" * 90 + b"key: value\n" * 90 + PLAIN), POINTS)


def test_names_of_points_are_passed_over(read: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(read(text_rows([[f"P{i}", *row] for i, row in enumerate(ROWS)])), POINTS)
    named = b"name,x,y,z\n" + text_rows([["bolt", *row] for row in ROWS], ",")
    np.testing.assert_array_equal(read(named), POINTS)


@pytest.mark.parametrize("name", UNCLEAR)
def test_unclear_columns_are_refused_with_the_way_out(name: str, read: Callable[..., np.ndarray]) -> None:
    with pytest.raises(UnknownColumns, match="--columns"):
        read(UNCLEAR[name], name)


def test_the_refusal_says_the_names_that_were_found(read: Callable[..., np.ndarray]) -> None:
    with pytest.raises(UnknownColumns, match="its columns are a, b, c, d: none is named x, y or z"):
        read(UNCLEAR["names.csv"])


@pytest.mark.parametrize("columns", ["2,3,4", "b,c,d", "B;C;D"])
def test_the_user_says_which_columns_by_number_or_name(columns: str, read: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(read(UNCLEAR["names.csv"], columns=columns), POINTS)


def test_what_the_user_says_comes_before_the_names(read: Callable[..., np.ndarray]) -> None:
    found = read(b"x,y,z\n" + text_rows(ROWS, ","), columns="z,y,x")
    np.testing.assert_array_equal(found, POINTS[:, ::-1])


def test_a_column_that_is_not_there_is_named(read: Callable[..., np.ndarray]) -> None:
    with pytest.raises(UnknownColumns, match="no column 'q': its columns are a, b, c, d"):
        read(UNCLEAR["names.csv"], columns="b,c,q")
    with pytest.raises(UnknownColumns, match="no column '9': it has 3 columns"):
        read(PLAIN, columns="1,2,9")


@pytest.mark.parametrize("text", ["1,2", "1,2,2", "1,2,3,4", "0,1,2", "a,,b"])
def test_anything_but_three_columns_is_refused(text: str) -> None:
    with pytest.raises(BadConfig, match="--columns"):
        parse_columns(text)


@pytest.mark.parametrize("name", VARIANTS)
def test_numbers_are_read_however_they_are_written(name: str, read: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(read(VARIANTS[name]), POINTS)


@pytest.mark.parametrize("separator", [" ", ";", "\t"])
def test_decimal_commas_are_seen_below_a_row_of_whole_numbers(separator: str, read: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(read(comma(first_whole, separator))[1:], POINTS)


@pytest.mark.parametrize(
    "word",
    [
        "NA",
        "n/a",
        "NaN",
        "null",
        "-",
        "--",
        "None",
        "#N/A",
        "?",
        "-nan(ind)",
        "#DIV/0!",
        "***",
        "k.A.",
        "invalid",
        "-1.#IND",
        "1.#INF",
        "—",
        "#WERT!",
        "#NV",
        "#VALEUR!",
        "#N/D",
    ],
)
@pytest.mark.parametrize("separator", [" ", ",", ";"])
def test_words_for_a_missing_value_are_missing_values(
    word: str, separator: str, read: Callable[..., np.ndarray]
) -> None:
    rows = [[word] * 3 if i % 7 == 3 else row for i, row in enumerate(ROWS)]
    found = read(text_rows(rows, separator))
    missing = np.arange(300) % 7 == 3
    assert np.isnan(found[missing]).all()
    np.testing.assert_array_equal(found[~missing], POINTS[~missing])


@pytest.mark.parametrize("words", ["not measured", "no data", "nicht gemessen"])
def test_words_in_a_cell_may_come_late(words: str, read: Callable[..., np.ndarray]) -> None:
    found = read(text_rows([*ROWS, *ROWS, [*ROWS[0][:2], words]], ";"))
    assert np.isnan(found[-1]).any()
    np.testing.assert_array_equal(found[:300], POINTS)


@pytest.mark.parametrize("word", ["NA", "-", "1.#QNAN"])
def test_missing_values_may_come_first(word: str, read: Callable[..., np.ndarray]) -> None:
    found = read(text_rows([[word] * 3, *ROWS], ","))
    assert np.isnan(found[0]).all()
    np.testing.assert_array_equal(found[1:], POINTS)


def test_several_scans_with_a_count_each_are_one_list(read: Callable[..., np.ndarray]) -> None:
    content = b"100\n" + text_rows(ROWS[:100]) + b"200\n" + text_rows(ROWS[100:])
    np.testing.assert_array_equal(read(content, "scan.pts"), POINTS)


def test_counts_of_several_scans_must_add_up(read: Callable[..., np.ndarray]) -> None:
    content = b"100\n" + text_rows(ROWS[:100]) + b"201\n" + text_rows(ROWS[100:])
    with pytest.raises(UnreadableScan, match="announces 301 points and holds 300"):
        read(content, "scan.pts")


@pytest.mark.parametrize("decimals", [1, 2, 3])
def test_a_comma_between_and_in_numbers_is_refused(decimals: int, read: Callable[..., np.ndarray]) -> None:
    with pytest.raises(UnreadableScan, match="decimal points, or with semicolons"):
        read(comma([[f"{float(cell):.{decimals}f}" for cell in row] for row in ROWS], ","))


@pytest.mark.parametrize("before", [[], ["7"]], ids=["no row number", "row number"])
@pytest.mark.parametrize("after", [[], ["17"]], ids=["no intensity", "intensity"])
@pytest.mark.parametrize("form", [".1f", ".4e"])
def test_such_commas_are_seen_beside_other_columns(
    before: list[str], after: list[str], form: str, read: Callable[..., np.ndarray]
) -> None:
    table = comma([[*before, *(f"{float(cell):{form}}" for cell in row), *after] for row in ROWS], ",")
    for header in (b"", b"x,y,z\n"):
        with pytest.raises(UnreadableScan, match="decimal points, or with semicolons"):
            read(header + table)


def test_whole_numbers_with_colours_between_commas_are_read(read: Callable[..., np.ndarray]) -> None:
    whole = np.rint(POINTS * 100)
    colours = draw.integers(0, 256, size=(300, 3))
    table = np.hstack([whole, colours]).astype(int).tolist()
    np.testing.assert_array_equal(read(text_rows(table, ",")), whole)


@pytest.mark.parametrize(
    "text",
    [
        "MODE=0755\n" + "# for users, groups, and others\n" * 9,
        "type integer\n" + "1 2 3 4\n[ { } ]\n" * 90,
        "a;b;c\n" + "\t;1;2\n" * 90,
    ],
)
def test_settings_and_programs_are_no_tables(text: str, tmp_path: Path, read: Callable[..., np.ndarray]) -> None:
    with pytest.raises((UnreadableScan, TooFewPoints)):
        read(text.encode(), "settings.conf")
    for look in (why_no_scan, peek_table):  # may take it for a table, but does not stumble over it
        with suppress(UnreadableScan):
            look(tmp_path / "settings.conf")


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ("# vtk DataFile Version 3.0\nx\nASCII\nDATASET POLYDATA\nPOINTS 300 float\n", "VTK"),
        ("#VRML V2.0 utf8\nShape { geometry PointSet { coord Coordinate { point [\n", "VRML"),
        ('<?xml version="1.0"?><X3D><Coordinate point="', "XML"),
        ("<html><pre>\n", "HTML"),
        ("  0\nSECTION\n  2\nENTITIES\n", "DXF"),
        (" " * 72 + "S      1\n", "IGES"),
        ('{"points": [\n', "JSON"),
    ],
)
def test_other_formats_are_refused_for_what_they_are(head: str, name: str, read: Callable[..., np.ndarray]) -> None:
    with pytest.raises(UnreadableScan, match=f"is in .*{name} format"):
        read(head.encode() + PLAIN)


def test_coordinates_below_each_other_are_refused_for_that(read: Callable[..., np.ndarray]) -> None:
    with pytest.raises(UnreadableScan, match="x, y and z stand below each other"):
        read(text_rows([list(column) for column in zip(*ROWS, strict=True)]))


@pytest.mark.parametrize(
    "text", [b"-" * 60_000 + b"x", b"300 " + b"ab" * 30_000 + b"?", b"a:" * 30_000, b"|" * 60_000 + b"x"]
)
def test_a_long_odd_line_takes_no_time(text: bytes, read: Callable[..., np.ndarray]) -> None:
    began = process_time()
    for content in (text + b"\n" + PLAIN, PLAIN + text[:4_000] + b"\n"):
        with suppress(UnreadableScan):
            read(content)
    assert process_time() - began < 2


def test_a_word_for_users_holds_no_sign_of_ours(read: Callable[..., np.ndarray]) -> None:
    with pytest.raises(UnreadableScan, match=r"mm' among its first rows is not a number") as refused:
        read(b"X,Y,Z\n" + text_rows([[f"{cell} mm" for cell in row] for row in ROWS], ","))
    assert "~" not in str(refused.value)


def test_triangles_are_no_points(read: Callable[..., np.ndarray]) -> None:
    corners = draw.permuted(np.tile(np.arange(400), (500, 1)), axis=1)[:, :3]
    for table in (corners, corners + 1, np.column_stack([np.full(500, 3), corners])):
        with pytest.raises(NoCoordinates, match="500 triangles"):
            read(text_rows(table.tolist()))


def test_faces_of_four_corners_are_no_points(read: Callable[..., np.ndarray]) -> None:
    corners = draw.permuted(np.tile(np.arange(400), (500, 1)), axis=1)[:, :4]
    for table in (corners, corners + 1, np.column_stack([np.full(500, 4), corners])):
        with pytest.raises(NoCoordinates, match="500 faces of four corners"):
            read(text_rows(table.tolist()))


def test_whole_coordinates_of_a_part_are_points(read: Callable[..., np.ndarray]) -> None:
    whole = np.rint(POINTS * 1000)
    np.testing.assert_array_equal(read(text_rows(whole.astype(int).tolist())), whole)


def test_coordinates_that_look_like_triangles_are_read_when_the_user_says_so(read: Callable[..., np.ndarray]) -> None:
    cube = draw.integers(0, 5000, size=(500, 3))
    np.testing.assert_array_equal(read(text_rows(cube.tolist()), columns="1,2,3"), cube)
    np.testing.assert_array_equal(read(b"x y z\n" + text_rows(cube.tolist())), cube)


def test_an_image_of_heights_in_text_is_no_cloud(read: Callable[..., np.ndarray]) -> None:
    for width in (48, 20):
        with pytest.raises(UnreadableScan, match="image of heights"):
            read(text_rows(draw.normal(size=(100, width)).round(3).tolist()))


@pytest.mark.parametrize("name", ["a.asc", "a.dat", "a.xyzn", "a.xyzrgb", "a.foo", "a", "a.ply", "a.stl", "a.npy"])
def test_rows_of_numbers_are_read_under_any_name(name: str, read: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(read(PLAIN, name), POINTS)


def test_a_packed_file_of_any_name_is_unpacked(read: Callable[..., np.ndarray]) -> None:
    for name in ("a.xyz.gz", "a.ply", "a.gz"):
        np.testing.assert_array_equal(read(gzip.compress(PLAIN), name), POINTS)


@pytest.mark.parametrize("magic", [b"BZh91AY", b"\xfd7zXZ\0", b"7z\xbc\xaf\x27", b"Rar!\x1a"])
def test_other_packers_are_named(magic: bytes, read: Callable[..., np.ndarray]) -> None:
    with pytest.raises(UnreadableScan, match=r"is compressed .* \(unpack it first\)"):
        read(magic + PLAIN)


def test_damaged_and_absurd_gzip_is_refused(read: Callable[..., np.ndarray]) -> None:
    packed = gzip.compress(PLAIN)
    with pytest.raises(UnreadableScan, match="cut short"):
        read(packed[:-20])
    with pytest.raises(UnreadableScan, match="damaged gzip"):
        read(packed[:200] + bytes(50) + packed[250:])
    with pytest.raises(UnreadableScan, match="not a real scan"):
        read(gzip.compress(b"1 2 3\n" * 8_000_000))


def test_a_scan_name_has_no_suffix(tmp_path: Path) -> None:
    (tmp_path / "bolt 7.xyz.gz").write_bytes(gzip.compress(PLAIN))
    assert read_scan(tmp_path / "bolt 7.xyz.gz").name == "bolt 7"


@pytest.mark.parametrize("separator", [";", "\t", ",", " "])
@pytest.mark.parametrize("mark", [",", "."])
def test_marks_between_thousands_are_not_taken_for_decimals(
    separator: str, mark: str, read: Callable[..., np.ndarray]
) -> None:
    """A plate in micrometres: 50,957 and 837 are 60 times, not 16 times apart."""
    whole = np.random.default_rng(0).integers(1, 80_000, (300, 3))
    whole[::7] //= 1000
    cell = '"{}"' if separator == "," else "{}"
    rows = [separator.join(cell.format(f"{x:,}".replace(",", mark)) for x in row) for row in whole]
    with pytest.raises(UnreadableScan, match="between thousands"):
        read("\n".join(rows).encode(), "a.csv")


@pytest.mark.parametrize("style", ["{:.3f}", "{:.6g}"])
@pytest.mark.parametrize("mark", [",", "."])
def test_decimals_of_three_digits_are_read_beside_whole_numbers(
    style: str, mark: str, read: Callable[..., np.ndarray]
) -> None:
    points = np.random.default_rng(0).uniform(1, 900, (300, 3)).round(3)
    points[0] = 0
    rows = [";".join([str(i), *(style.format(x).replace(".", mark) for x in row)]) for i, row in enumerate(points)]
    np.testing.assert_allclose(read("\n".join(rows).encode(), "a.csv"), points)
