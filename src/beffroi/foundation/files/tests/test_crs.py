import numpy as np
import pytest
import shapely
from pyproj import Transformer

from beffroi.foundation.files.reading import Choices, FileRefused, open_table
from beffroi.foundation.files.reading.crs import find_projection, read_declared
from beffroi.foundation.files.reading.systems import SYSTEMS, Numbers, System
from beffroi.foundation.files.tests.builders import MONTPELLIER, SAMPLES, found, point_of

TOWNS = {
    "Montpellier": (3.8767, 43.6111),
    "Brest": (-4.4861, 48.3904),
    "Lille": (3.0573, 50.6292),
    "Strasbourg": (7.7521, 48.5734),
    "Bastia": (9.4509, 42.6973),
    "Paris": (2.3522, 48.8566),
    "Limoges": (1.2611, 45.8336),
    "Nantes": (-1.5536, 47.2184),
    "Pointe-à-Pitre": (-61.5340, 16.2411),
    "Cayenne": (-52.3135, 4.9224),
    "Saint-Denis": (55.4481, -20.8789),
    "Mamoudzou": (45.2279, -12.7809),
    "Fort-de-France": (-61.0742, 14.6161),
}
CASES = [
    (town, system)
    for town, (lon, lat) in TOWNS.items()
    for system in SYSTEMS
    if any(area.share(np.array([lon]), np.array([lat])) for area in system.areas)
]
ALONE = {"EPSG:4326", "EPSG:2154", "EPSG:27572", "EPSG:2972", "EPSG:2975", "EPSG:4471"} | {
    f"EPSG:{3900 + zone}" for zone in range(42, 51)
}
"""Systems whose coordinates look like no other: found without knowing where the town is."""


def str_of(value: object) -> str:
    return value.name if isinstance(value, System) else str(value)


def written(town: str, system: System) -> tuple[Numbers, Numbers]:
    lon, lat = TOWNS[town]
    to_system = Transformer.from_crs("EPSG:4326", system.code, always_xy=True)
    x, y = to_system.transform(np.array([lon, lon + 0.02, lon]), np.array([lat, lat, lat + 0.02]))
    return (y, x) if system.swapped else (x, y)


@pytest.mark.parametrize(("town", "system"), CASES, ids=str_of)
def test_every_system_is_found_around_a_known_town(town: str, system: System) -> None:
    x, y = written(town, system)
    lon, lat = TOWNS[town]
    projection = find_projection(x, y, near=(lon, lat, 30.0))
    assert (projection.code, projection.swapped) == (system.code, system.swapped)
    back = projection.to_wgs84(x, y)
    assert back[0][0] == pytest.approx(lon, abs=2e-5)
    assert back[1][0] == pytest.approx(lat, abs=2e-5)


@pytest.mark.parametrize(
    ("town", "system"),
    [case for case in CASES if case[1].code in ALONE],
    ids=str_of,
)
def test_most_systems_are_found_without_knowing_the_town(town: str, system: System) -> None:
    x, y = written(town, system)
    projection = find_projection(x, y)
    assert (projection.code, projection.swapped) == (system.code, system.swapped)


def test_the_false_origin_of_lambert_93_is_where_the_decree_puts_it() -> None:
    # Decree 2006-272: X0 = 700 000 m and Y0 = 6 600 000 m at 3° E, 46° 30' N.
    projection = find_projection(np.array([700_000.0]), np.array([6_600_000.0]))
    lon, lat = projection.to_wgs84(np.array([700_000.0]), np.array([6_600_000.0]))
    assert (lon[0], lat[0]) == (3.0, 46.5)


def test_two_systems_that_fit_are_both_named() -> None:
    x, y = written("Strasbourg", next(one for one in SYSTEMS if one.code == "EPSG:32632"))
    projection = find_projection(x, y)
    assert projection.finding.warning
    assert "EPSG:32632" in projection.finding.alternatives


def test_a_wrong_declaration_is_overruled_with_its_reason() -> None:
    x, y = written("Montpellier", next(one for one in SYSTEMS if one.code == "EPSG:2154"))
    projection = find_projection(x, y, declared=read_declared("EPSG:4326", label="WGS 84"))
    assert projection.code == "EPSG:2154"
    assert projection.finding.code == "crs_overruled"
    assert "WGS 84" in projection.finding.say()


def test_a_right_declaration_is_kept_even_far_from_the_town() -> None:
    x, y = written("Lille", next(one for one in SYSTEMS if one.code == "EPSG:2154"))
    projection = find_projection(x, y, declared=read_declared("EPSG:2154"), near=MONTPELLIER)
    assert projection.code == "EPSG:2154"
    assert projection.finding.code == "crs_declared_outside"
    assert projection.finding.warning


def test_coordinates_of_nowhere_give_no_position() -> None:
    projection = find_projection(np.array([1e9, 2e9]), np.array([1e9, 2e9]))
    assert not projection.known


def test_outside_france_degrees_are_believed_with_a_doubt() -> None:
    projection = find_projection(np.array([-74.0, -73.9]), np.array([40.7, 40.8]))
    assert projection.code == "EPSG:4326"
    assert projection.finding.confidence <= 0.5


@pytest.mark.parametrize(
    "text", ["", "EPSG:999999", "PROJCS[", "x" * 50_000, "EPSG:5720", "(" * 5_000]
)
def test_declarations_that_mean_nothing_are_not_believed(text: str) -> None:
    assert read_declared(text) is None


def test_cc43_of_the_playgrounds_is_found_in_both_files() -> None:
    for name in ("jeux_enfants.zip", "jeux_enfants.geojson"):
        table = open_table(SAMPLES / name, near=MONTPELLIER)
        assert found(table, "crs").value == "EPSG:3943"
        point = point_of(table.preview(1)[0])
        # The same playground in the town's CSV: 3.846286 E, 43.599239 N.
        assert point.distance(shapely.Point(3.846286, 43.599239)) < 0.001


def test_shapefile_without_prj_and_geojson_in_lambert_93() -> None:
    table = open_table(SAMPLES / "aoc_sans_prj.zip")
    assert (found(table, "crs").value, found(table, "crs").code) == ("EPSG:2154", "crs_guessed")
    table = open_table(SAMPLES / "sites_hebergement.geojson")
    assert (found(table, "crs").value, found(table, "crs").code) == ("EPSG:2154", "crs_overruled")
    assert table.bounds is not None
    assert table.bounds[0] == pytest.approx(3.86, abs=0.1)


def test_degrees_and_metres_mixed_in_one_column_are_both_read() -> None:
    table = open_table(SAMPLES / "passages_pietons.csv", near=MONTPELLIER)
    codes = [problem.code for row in table.rows() for problem in row.problems]
    assert "position_other_system" in codes
    assert "position_impossible" not in codes
    assert "crs_mixed" in {note.code for note in table.findings.notes}


def test_the_person_decides_on_the_system() -> None:
    content = b"nom;x;y\na;432000;5405000\nb;432100;5405100\n"
    table = open_table(content, name="x.csv", choices=Choices(crs="EPSG:3857"))
    assert table.bounds is not None
    assert table.bounds[0] == pytest.approx(3.88, abs=0.01)
    with pytest.raises(FileRefused, match="is not known"):
        open_table(content, name="x.csv", choices=Choices(crs="Lambert"))
    with pytest.raises(FileRefused, match="no column called"):
        open_table(content, name="x.csv", choices=Choices(x_column="lon", y_column="lat"))


@pytest.mark.parametrize(
    "text",
    [
        "nom;longitude;latitude\na;3,8767;43,6111\nb;3,88;43,62\n",
        "nom;lat;lon\na;43,6111;3,8767\nb;43,62;3,88\n",
        "nom;X_L93;Y_L93\na;770795,139;6279509,474\nb;771000;6280000\n",
        "nom;coord_x;coord_y\na;43,6111;3,8767\nb;43,62;3,88\n",
        'nom;geo_point_2d\na;"43.6111,3.8767"\nb;"43.62, 3.88"\n',
        "nom;coordonneesXY\na;[3.8767,43.6111]\nb;[3.88,43.62]\n",
        "nom;geom\na;POINT (3.8767 43.6111)\nb;POINT(3.88 43.62)\n",
        'nom;geom\na;"SRID=2154;POINT(770795.139 6279509.474)"\n',
        'nom;geom\na;"{""type"":""Point"",""coordinates"":[3.8767,43.6111]}"\n',
        f"nom;geom\na;{shapely.to_wkb(shapely.Point(3.8767, 43.6111), hex=True)}\n",
        "nom;com1;com2\na;3,87670001;43,61110001\nb;3,88000001;43,62000001\n",
        "nom;F03_COORDONNEES_X;F05_COORDONNEES_Y\na;3,8767;43,6111\nb;3,88;43,62\n",
    ],
)
def test_positions_are_found_however_columns_hold_them(text: str) -> None:
    table = open_table(text.encode(), name="points.csv", near=MONTPELLIER)
    point = point_of(table.preview(1)[0])
    assert point.x == pytest.approx(3.8767, abs=1e-4)
    assert point.y == pytest.approx(43.6111, abs=1e-4)


def test_half_positions_and_zeros_are_told() -> None:
    text = "n;lon;lat\n1;3,87;43,6\n2;3,87;\n3;0;0\n4;;\n5;x;43,6\n6;2,35;48,85\n"
    text += "".join(f"{n};3,87;43,6\n" for n in range(7, 30))
    table = open_table(text.encode(), name="points.csv", near=MONTPELLIER)
    codes = [[problem.code for problem in row.problems] for row in table.preview(6)]
    assert [one[0] if one else "" for one in codes] == [
        "",
        "position_incomplete",
        "position_zero",
        "geometry_missing",
        "position_not_number",
        "position_outside",
    ]
