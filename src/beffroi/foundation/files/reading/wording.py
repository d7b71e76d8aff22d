"""The sentences of this room, in one place so that none escapes translation.

The English text is the gettext msgid; ``{name}`` fields are filled after translation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """A sentence and, where there is one, the way out."""

    message: str
    way_out: str = ""


_READABLE = (
    "CSV, Excel, OpenDocument, GeoJSON, Shapefile (zipped), GeoPackage and KML files can be read."
)

WORDS = frozenset(
    # kinds of values
    {"a whole number", "a number", "yes or no", "a date", "a date with a time"}
    # marks of thousands
    | {"space", "no-break space", "narrow space"}
    # areas
    | {"the expected area", "the world", "metropolitan France", "Guadeloupe", "Martinique"}
    | {"Saint-Martin and Saint-Barthélemy", "French Guiana", "Réunion", "Mayotte"}
    | {"Saint-Pierre-et-Miquelon", "New Caledonia", "French Polynesia", "Wallis and Futuna"}
    # files that hold no table
    | {"PDF document", "picture (PNG)", "picture (JPEG)", "picture (GIF)", "picture (TIFF)"}
    | {"7-Zip archive", "RAR archive", "bzip2 archive", "xz archive", "map tile archive"}
    | {"Parquet file", "RTF document", "AutoCAD drawing", "program", "web page"}
    | {"Word or PowerPoint document", "OpenDocument text"}
    # details
    | {"it is too short", "its header makes no sense", "it nests too deep"}
    | {"it does not begin as a .shp does", "it is not a GeoJSON feature"}
)
"""Words that fill the fields of the sentences, translated like them."""

REFUSALS: Mapping[str, Wording] = {
    "file_empty": Wording(
        "“{name}” is empty.", "Export it again and check its size before sending it."
    ),
    "file_missing": Wording("“{name}” cannot be opened.", "Check the path and the rights."),
    "file_too_large": Wording(
        "“{name}” holds more than {limit_mb} MB.",
        "Cut it in several files, or ask the administrator to raise the limit.",
    ),
    "file_format_known": Wording(
        "“{name}” is a {what}: it holds no table that can be read.", "Export the data. " + _READABLE
    ),
    "text_binary": Wording(
        "“{name}” is not text: it holds control characters.", "Export it again. " + _READABLE
    ),
    "line_too_long": Wording(
        "A line of “{name}” is longer than {limit} characters.",
        "Check that the file has line ends and that every quote is closed.",
    ),
    "too_many_columns": Wording(
        "“{name}” has more than {limit} columns.",
        "Check the separator, or keep only the columns you need.",
    ),
    "too_many_rows": Wording("“{name}” has more than {limit} rows.", "Cut it in several files."),
    "no_rows": Wording("“{name}” has no row of data.", "Check that the export did finish."),
    "archive_broken": Wording("The archive “{name}” is damaged.", "Make the archive again."),
    "archive_encrypted": Wording(
        "“{name}” is protected by a password.", "Remove the protection and send it again."
    ),
    "archive_too_large": Wording(
        "“{name}” would unpack to more than {limit_mb} MB.",
        "Unpack it and send only the files you need.",
    ),
    "archive_too_many": Wording(
        "“{name}” holds more than {limit} files.", "Send only the files you need."
    ),
    "archive_too_deep": Wording(
        "“{name}” is an archive inside an archive inside an archive.",
        "Unpack it and send the inner file.",
    ),
    "archive_without_table": Wording("“{name}” holds no file that can be read.", _READABLE),
    "table_unknown": Wording("“{name}” has no table called “{table}”.", "It has: {tables}."),
    "workbook_broken": Wording(
        "The workbook “{name}” cannot be opened: {detail}.",
        "Open it in your spreadsheet and save it again as .xlsx or .ods.",
    ),
    "workbook_costly": Wording(
        "The workbook “{name}” is damaged, or asks for too much memory or time.",
        "Open it in your spreadsheet and save it again as .xlsx or .ods.",
    ),
    "sheet_too_large": Wording(
        "A sheet of “{name}” reaches row {rows} and column {columns}.",
        "Delete the empty rows and columns that were formatted by mistake, then save it again.",
    ),
    "json_broken": Wording(
        "“{name}” is not valid JSON: {detail}.",
        "The file may have been cut: export it again.",
    ),
    "json_no_table": Wording(
        "“{name}” is JSON, but holds no list of records.",
        "Export the data as GeoJSON, or as a JSON list of objects.",
    ),
    "json_topology": Wording(
        "“{name}” is TopoJSON, which is made for drawing.", "Export the data as GeoJSON."
    ),
    "shape_broken": Wording(
        "The shapefile “{name}” cannot be read: {detail}.",
        "Send the .shp, .shx, .dbf and .prj files together in one .zip.",
    ),
    "shape_missing": Wording(
        "“{name}” is one part of a shapefile, without its .shp or .dbf.",
        "Send the .shp, .shx, .dbf and .prj files together in one .zip.",
    ),
    "dbase_broken": Wording(
        "The table “{name}” cannot be read: {detail}.", "Export it again as CSV or .xlsx."
    ),
    "geopackage_broken": Wording(
        "The database “{name}” cannot be read: {detail}.",
        "Save the layer again as GeoPackage or GeoJSON from your map software.",
    ),
    "geopackage_no_layer": Wording(
        "“{name}” is a database, but no GeoPackage: it declares no layer.",
        "Save the layer as GeoPackage or GeoJSON from your map software.",
    ),
    "geopackage_costly": Wording(
        "Reading “{name}” takes too long.", "Save the layer as a plain table, not as a view."
    ),
    "xml_broken": Wording(
        "“{name}” is not valid XML: {detail}.", "Export it again, or export it as GeoJSON."
    ),
    "xml_forbidden": Wording(
        "“{name}” declares XML entities, which are not accepted.",
        "Export it again, or export it as GeoJSON.",
    ),
    "xml_other": Wording(
        "“{name}” is an XML file of type “{root}”, not KML.",
        "Export the data as GeoJSON, KML or CSV.",
    ),
    "encoding_wrong": Wording(
        "“{name}” cannot be read as {encoding}.", "Let the encoding be found, or choose another."
    ),
    "crs_unknown": Wording(
        "The coordinate system “{crs}” is not known.",
        "Give an EPSG code, for example EPSG:2154 for Lambert-93.",
    ),
    "column_unknown": Wording("“{name}” has no column called “{column}”.", "It has: {columns}."),
}

PROBLEMS: Mapping[str, Wording] = {
    "value_not_of_kind": Wording(
        "Row {row}, “{column}”: “{value}” is not {kind}. It was kept as text.",
        "Correct it in the file, or import the column as text.",
    ),
    "cell_too_long": Wording(
        "Row {row}, “{column}”: the text has {length} characters and was cut.",
        "Shorten the text, or check that every quote is closed.",
    ),
    "too_many_cells": Wording(
        "Row {row} has {found} cells and the header {expected}; the last ones were left out.",
        "Put quotes around the cell that contains the separator.",
    ),
    "too_few_cells": Wording(
        "Row {row} has {found} cells and the header {expected}; the others are empty.",
        "Check that the row was not cut by a line end.",
    ),
    "row_unreadable": Wording(
        "Row {row} cannot be read: {detail}.", "Correct this row in the file."
    ),
    "geometry_missing": Wording(
        "Row {row} has no position.", "Place it on the map, or fill its coordinates in the file."
    ),
    "geometry_broken": Wording(
        "Row {row}: the geometry cannot be read.", "Draw it again in your map software."
    ),
    "geometry_empty": Wording(
        "Row {row}: the geometry is empty.", "Draw it again in your map software."
    ),
    "geometry_repaired": Wording(
        "Row {row}: the outline crosses itself ({detail}) and was repaired.",
        "Check the shape on the map.",
    ),
    "geometry_too_complex": Wording(
        "Row {row}: the geometry has too many points or too many levels.",
        "Simplify it in your map software.",
    ),
    "position_incomplete": Wording(
        "Row {row}: only one of the two coordinates is filled.", "Fill the other one."
    ),
    "position_not_number": Wording(
        "Row {row}: “{value}” is not a coordinate.", "Write a number, for example 3.8767."
    ),
    "position_zero": Wording(
        "Row {row}: the coordinates are zero, which usually means unknown.",
        "Place it on the map, or fill its coordinates in the file.",
    ),
    "position_outside": Wording(
        "Row {row}: the position {lon}, {lat} lies outside the expected area.",
        "Check the coordinates, or the coordinate system.",
    ),
    "position_other_system": Wording(
        "Row {row}: “{value}” was read in {crs}, unlike the other rows.",
        "Check the position on the map.",
    ),
    "position_no_system": Wording(
        "Row {row}: “{value}” fits no known coordinate system.",
        "Check the coordinates, or the coordinate system.",
    ),
    "position_swapped": Wording(
        "Row {row}: “{value}” was read the other way round, unlike the other rows.",
        "Check the position on the map.",
    ),
    "position_impossible": Wording(
        "Row {row}: “{value}” is no position in {crs}.",
        "Check the coordinates, or the coordinate system.",
    ),
}

FINDINGS: Mapping[str, Wording] = {
    "chosen": Wording("You chose it."),
    # encoding
    "encoding_ascii": Wording("The file has no accented letter: any encoding reads it."),
    "encoding_bom": Wording("The file begins with the mark of this encoding."),
    "encoding_utf8": Wording("All {count} accented characters are valid UTF-8."),
    "encoding_utf8_mixed": Wording(
        "The file is UTF-8, but {count} bytes are not; they were read as Windows text."
    ),
    "encoding_zeros": Wording("One byte in two is zero, as in UTF-16 text."),
    "encoding_words": Wording(
        "Read this way, {count} accented letters make likely French words, such as “{example}”."
    ),
    "encoding_guess": Wording("It is the likeliest reading of {count} accented letters."),
    "encoding_declared": Wording("The file declares it."),
    "encoding_repaired": Wording(
        "The accents were damaged by an earlier conversion ({chain}); they were repaired,"
        " for example “{example}”."
    ),
    "encoding_lost": Wording(
        "Some letters are already lost in the file: {count} accents were replaced,"
        " for example in “{example}”."
    ),
    # lines and cells
    "line_end": Wording("{count} lines end this way."),
    "line_end_mixed": Wording("The line ends are mixed; {count} lines end this way."),
    "separator_regular": Wording("It cuts {share} % of the rows into {columns} cells."),
    "separator_none": Wording("No separator cuts the rows regularly: there is one column."),
    "quote_used": Wording("Cells are quoted with it."),
    "quote_none": Wording("No cell is quoted."),
    "quote_unclosed": Wording("A quote is never closed, so quotes were read as plain characters."),
    # header
    "header_first": Wording("The first row names the columns."),
    "header_below": Wording("Row {row} names the columns; {count} title lines stand above it."),
    "header_two": Wording("A second line below the names was read as their description."),
    "header_none": Wording("No row looks like names: the columns are called A, B, C…"),
    "header_declared": Wording("The format itself names the columns."),
    "header_types": Wording("The names carried dBase types (“{example}”), which were removed."),
    "columns_dropped": Wording("{count} empty columns without a name were left out."),
    "rows_dropped": Wording("{count} empty rows were left out."),
    # values
    "decimal_found": Wording("{count} numbers are written with it."),
    "decimal_ambiguous": Wording("“{example}” can be read in two ways; the French one was taken."),
    "thousands_found": Wording("Thousands are separated by a {mark}, as in “{example}”."),
    "dates_month_first": Wording(
        "In “{column}” the month comes before the day, as in “{example}”."
    ),
    "dates_two_digits": Wording(
        "In “{column}” years have two digits: 00 to 68 were read as 2000 to 2068."
    ),
    "dates_zone": Wording("In “{column}” times carry no zone: they were read as {zone}."),
    # type of a column
    "type_all_fit": Wording("All cells fit."),
    "type_most_fit": Wording("Nearly all cells fit; the others are listed."),
    "type_declared": Wording("The file declares it."),
    "type_mixed": Wording("The cells are of several kinds."),
    "type_code": Wording("They are codes, not quantities (leading zeros, or the name says so)."),
    "type_empty": Wording("No cell is filled."),
    # positions
    "position_geometry": Wording("The format carries geometries."),
    "position_columns_named": Wording("The columns “{x}” and “{y}” are named as coordinates."),
    "position_columns_values": Wording(
        "The columns “{x}” and “{y}” hold coordinates of the area, whatever their names."
    ),
    "position_pair": Wording("The column “{column}” holds both coordinates."),
    "position_wkt": Wording("The column “{column}” holds geometries as text (WKT)."),
    "position_wkb": Wording("The column “{column}” holds geometries as hexadecimal (WKB)."),
    "position_geojson": Wording("The column “{column}” holds geometries as GeoJSON."),
    # coordinate reference system
    "crs_declared": Wording("The file declares it ({declared}) and the values agree."),
    "crs_declared_unchecked": Wording(
        "The file declares it ({declared}); nothing tells whether the values agree."
    ),
    "crs_declared_outside": Wording(
        "The file declares it ({declared}), but the positions lie outside the expected area"
        " and no other system fits better."
    ),
    "crs_overruled": Wording(
        "The file declares {declared}, but read that way only {wrong} % of the positions fall in"
        " the expected area; read as {found}, {right} % do."
    ),
    "crs_guessed": Wording(
        "Nothing is declared. Read this way, {right} % of the positions fall in {area}."
    ),
    "crs_guessed_name": Wording(
        "The column names say so, and {right} % of the positions fall in {area}."
    ),
    "crs_mixed": Wording(
        "The file mixes two systems: {share} % of the positions only fit {found}."
    ),
    "crs_swapped": Wording(
        "Latitude comes before longitude in the file; they were put the right way round."
    ),
    "crs_unknown": Wording("The coordinates fit no known system: no position was read."),
    "crs_ntf": Wording("It is an old French system: positions are right within about two metres."),
    "crs_standard": Wording("The format always uses it."),
    # shapefiles and records
    "shape_without_table": Wording("The .dbf file is missing: only the shapes were read."),
    "shape_without_geometry": Wording("The .shp file is missing: only the table was read."),
    "shape_counts": Wording("The .shp file has {shapes} records and the .dbf file {records}."),
    "records_deleted": Wording("{count} records are marked as deleted and were left out."),
    "keys_late": Wording("The field “{column}” appears in some records only."),
}
