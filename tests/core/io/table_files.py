"""Tables of points as people write them, and tables whose columns nobody can tell: for reader tests and the fuzzer."""

from __future__ import annotations

import gzip

import numpy as np
from scan_files import text_rows

draw = np.random.default_rng(3)
POINTS = np.round(draw.uniform(0, [80, 50, 6], size=(300, 3)), 3)
ROWS = [[f"{x:.3f}" for x in point] for point in POINTS]
PLAIN = text_rows(ROWS)


def comma(rows: list[list[str]], separator: str) -> bytes:
    return text_rows([[cell.replace(".", ",") for cell in row] for row in rows], separator)


NUMBERED = [[i, *row] for i, row in enumerate(ROWS)]
FROM_ONE = [[i + 1, *row] for i, row in enumerate(ROWS)]
HEADERS = [
    "Punkt-Nr.;X-Koordinate;Y-Koordinate;Z-Koordinate",
    "PointID;PosX;PosY;PosZ",
    "index;x_mm;y_mm;z_mm",
    "id;X [mm];Y [mm];Z [mm]",
    'id;"X (mm)";"Y (mm)";"Z (mm)"',
    "v;Points_0;Points_1;Points_2",
    "v;Points:0;Points:1;Points:2",
    ";X;Y;Z",
    "Nr;x;y;z",
    "N°;Coordonnée X;Coordonnée Y;Coordonnée Z",
    "n;coord. x;coord. y;coord. z",
    "n;Coordenada_X;Coordenada_Y;Coordenada_Z",
    "№;Координата X;Координата Y;Координата Z",
    "番号;X座標;Y座標;Z座標",
    "ลำดับ;พิกัด X;พิกัด Y;พิกัด Z",
    "क्रम;निर्देशांक X;निर्देशांक Y;निर्देशांक Z",
    "id;xKoord;yKoord;zKoord",
    "id;position.x;position.y;position.z",
    "id;px;py;pz",
    "id;X-Wert;Y-Wert;Z-Wert",
    "id;XPOS;YPOS;ZPOS",
    "id;Easting;Northing;Elevation",
    "Punkt;Rechtswert;Hochwert;Höhe",
    "No;X/mm;Y/mm;Z/mm",
    "id;Position (X);Position (Y);Position (Z)",
    "id;X:;Y:;Z:",
    "id;x;y;Höhe",
    "n;Abscisse X;Ordonnée Y;Cote Z",
    "Nr;Współrzędna X;Współrzędna Y;Współrzędna Z",
    "No;X koordinatı;Y koordinatı;Z koordinatı",
    "№;Х;У;Z",
    "id;Act X;Act Y;Act Z",
    ";0;1;2",
    "n;Abscisse;Ordonnée;Altitude",
    "点;横坐标;纵坐标;高程",
    "id;Este;Norte;Cota",
    "id;Ost;Nord;Höhe",
    "id;Position/X;Position/Y;Position/Z",
]


TIMES = 1.7e9 + np.random.default_rng(0).random(300).cumsum()
UNITS = [[f"{v:.4f}" for v in row / np.linalg.norm(row)] for row in POINTS]
SHADES = [[f"{v:.3f}" for v in row] for row in draw.uniform(size=(300, 3))]
CURVED = [[f"{x:.3f}", f"{y:.3f}", f"{np.sin(x / 30) + np.cos(y / 20):.4f}"] for x, y, _ in POINTS]
UNCLEAR = {
    "names.csv": b"a;b;c;d\n" + text_rows(NUMBERED, ";"),
    "three_names.csv": b"first,second,third\n" + text_rows(ROWS, ","),
    "number_and_two.txt": text_rows([[i, *row[:2]] for i, row in enumerate(ROWS)]),
    "label_first.txt": text_rows([[4, *row] for row in ROWS]),
    "labels_first.txt": text_rows([[i % 3, *row] for i, row in enumerate(ROWS)]),
    "colours_first.txt": text_rows([[i % 255, 7 * i % 255, 3, *row] for i, row in enumerate(ROWS)]),
    "times_first.txt": text_rows([[f"{t:.4f}", *row] for t, row in zip(TIMES, ROWS, strict=True)]),
    "header_of_words.txt": b"Pos Y  Pos X  Pos Z\n" + text_rows(ROWS),
    "twice.csv": b"x,y,z,x,y,z\n" + text_rows([[*row, *row] for row in ROWS], ","),
    "rows_and_columns.txt": text_rows([[i, i + 5, *row, 7] for i, row in enumerate(ROWS)]),
    "normals_first.txt": text_rows([[*unit, *row] for unit, row in zip(UNITS, ROWS, strict=True)]),
    "intensity_first.txt": text_rows([[f"{i % 97 / 97:.3f}", *row] for i, row in enumerate(CURVED)]),
    "shades_first.txt": text_rows([[*shade, *row] for shade, row in zip(SHADES, CURVED, strict=True)]),
    "profiles.txt": text_rows([[f"{np.sin(i / 9 + k / 50):.4f}" for k in range(10)] for i in range(300)]),
    "pixels_first.txt": text_rows([[i // 20, i % 20, *row] for i, row in enumerate(ROWS)]),
}


def framed(rows: list[list[str]]) -> bytes:
    """Rows of a table drawn with bars."""
    return text_rows([["", *row, ""] for row in rows], "|")


DRAWN = b"+--------+--------+--------+\n"
first_whole = [["0", "0", "0"], *ROWS]
VARIANTS: dict[str, bytes] = {
    "round brackets": text_rows([[f"({a}, {b}, {c})"] for a, b, c in ROWS]),
    "square brackets and commas": text_rows([[f"[{a}, {b}, {c}],"] for a, b, c in ROWS])[:-2] + b"\n",
    "numpy": b"[" + text_rows([[f"[{a} {b} {c}]"] for a, b, c in ROWS])[:-1] + b"]\n",
    "decimal commas in tabs": comma(ROWS, "\t"),
    "decimal commas in spaces": comma(ROWS, "  "),
    "decimal commas in pipes": comma(ROWS, "|"),
    "quoted decimal commas": text_rows([[f'"{c}"'.replace(".", ",") for c in row] for row in ROWS], ";"),
    "quoted decimal commas between commas": text_rows([[f'"{c}"'.replace(".", ",") for c in row] for row in ROWS], ","),
    "quoted points between commas": text_rows([[f'"{c}"' for c in row] for row in ROWS], ","),
    "keys": text_rows([[f"x={a}", f"y={b}", f"z={c}"] for a, b, c in ROWS]),
    "keys and colons": text_rows([[f"X: {a}", f"Y: {b}", f"Z: {c}"] for a, b, c in ROWS], ", "),
    "JSON lines": text_rows([[f'{{"x": {a}, "y": {b}, "z": {c}}}'] for a, b, c in ROWS]),
    "Fortran": text_rows([[f"{cell}D+00" for cell in row] for row in ROWS]),
    "spaces that do not break": text_rows(ROWS, "\N{NO-BREAK SPACE}"),
    "footer": PLAIN + b"Total: 300 points\n# end of file\n",
    "footer that begins with a number": PLAIN + b"\n300 points exported.\n",
    "rule below the header": b"x | y | z\n---+---+---\n" + text_rows(ROWS, " | "),
    "Markdown": b"| x | y | z |\n|---|:-:|--:|\n" + framed(ROWS),
    "Markdown, in another order": b"| z | y | x |\n|---|---|---|\n" + framed([row[::-1] for row in ROWS]),
    "a frame without names": framed(ROWS),
    "psql": b"   x   |   y   |   z   \n-------+-------+-------\n" + text_rows(ROWS, " | ") + b"(300 rows)\n",
    "mysql": DRAWN + b"| x | y | z |\n" + DRAWN + framed(ROWS) + DRAWN + b"300 rows in set (0.01 sec)\n",
    "a grid": b"".join(DRAWN + framed([row]) for row in ROWS) + DRAWN,
    "drawn with lines": "┌───┬───┬───┐\n│ x ┆ y ┆ z │\n╞═══╪═══╪═══╡\n".encode()
    + framed(ROWS).replace(b"|", "│".encode())
    + "└───┴───┴───┘\n".encode(),
    "restructured text": b"=====  =====  =====\nx  y  z\n=====  =====  =====\n" + PLAIN + b"=====  =====  =====\n",
    "MATLAB": b"P = [\n" + text_rows([[*row[:2], f"{row[2]};"] for row in ROWS], ", ") + b"];\n",
    "a matrix of R": b"  x  y  z\n" + text_rows([[f"[{i},]", *row] for i, row in enumerate(ROWS, 1)]),
    "repr of numpy": b"array([[" + text_rows(ROWS, ", ").replace(b"\n", b"],\n       [")[:-11] + b")\n",
    "functions": text_rows([[f"SIMD3<Float>({a}, {b}, {c})"] for a, b, c in ROWS]),
    "functions with keys": text_rows([[f"SCNVector3(z: {c}, y: {b}, x: {a})"] for a, b, c in ROWS]),
    "a word before each": text_rows([["POINT", *row] for row in ROWS]),
    "a word after each": text_rows([[*row, "top", "0xb9d9f3"] for row in ROWS]),
    "statistics below": b"No,X,Y,Z\n" + text_rows(FROM_ONE, ",") + b"Average,1.5,2.5,3.5\nStdDev,0.1,0.2,0.3\n",
    "a spreadsheet with a title": b"Report;;;\nDate;01.02.2024;;\n;;;\nNr;X;Y;Z\n" + text_rows(FROM_ONE, ";"),
    "Tecplot": b'TITLE = "a"\nVARIABLES = "X", "Y", "Z"\nZONE T="a", I=300, F=POINT\n' + PLAIN,
    "a mark of the byte order": b"\xef\xbb\xbf" + PLAIN,
    "UTF-16": PLAIN.decode().encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + PLAIN.decode().encode("utf-16-be"),
    "gzip": gzip.compress(PLAIN),
    "gzip in two streams": gzip.compress(PLAIN[:1000]) + gzip.compress(PLAIN[1000:]),
    "old Mac lines": PLAIN.replace(b"\n", b"\r"),
    "empty cells at the end": text_rows([[*row, ""] for row in ROWS], ";"),
    "prose above": b"Exported by a scanner on Monday, for the workshop.\n" + PLAIN,
}  # fmt: skip
