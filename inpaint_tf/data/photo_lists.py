"""Lists of photos and folders of photos as people have them; one reader for inpainting, training and evaluation.

A list is a text file with a photo, or a photo and its mask, per line: separated by a tab, spaces or, in a .csv, commas
or semicolons; names with spaces may be quoted; lines that begin with # are comments. UTF-8, with or without a byte
order mark, and UTF-16 are read.

A folder is searched for photos by their suffixes. What is left out is counted and named, never skipped in silence.
"""

import codecs
import csv
import dataclasses
import os
import pathlib
import re
import stat
import unicodedata
from collections.abc import Callable, Iterable, Sequence

from inpaint_tf.data.decoding import HEIF_ADVICE, HEIF_SUFFIXES, register_heif
from inpaint_tf.data.image_files import READABLE
from inpaint_tf.errors import UserError, printable, reason

LIST_SUFFIXES = (".txt", ".flist", ".lst", ".list", ".tsv", ".csv")
# Pictures that other programs must convert first.
_OTHER_PICTURES = (
    *(".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".orf", ".rw2", ".pef"),
    *(".svg", ".pdf", ".eps", ".ps", ".psd", ".xcf", ".jxl", ".exr", ".hdr", ".tga"),
)
_MOST_LIST_BYTES = 1 << 30
_HEADER_WORDS = ("image", "images", "photo", "photos", "img", "input", "file", "filename", "path", "name", "source")
_MASK_WORDS = ("mask", "masks", "hole", "mask_path", "maskfile")
_HIDDEN_FOLDERS = ("__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information")
_SYSTEM_FILES = ("thumbs.db", "desktop.ini", "ehthumbs.db")
# Of what is left out, so many are named.
_NAMED = 3


@dataclasses.dataclass(frozen=True)
class ListRow:
    """A line of a list.

    Attributes:
        number: Of the line, from 1.
        paths: The files that it names, one or two.
    """

    number: int
    paths: tuple[pathlib.Path, ...]


@dataclasses.dataclass(frozen=True)
class PhotoList:
    """What a list's file says.

    Attributes:
        rows: Its lines, in order.
        bad: Number of a line -> what is wrong with it.
        repeated: How often a line said again what an earlier one had said.
    """

    rows: tuple[ListRow, ...]
    bad: dict[int, str]
    repeated: int


def read_list(
    path: str | os.PathLike, columns: Sequence[int] = (1,), root: str | os.PathLike = "", keep_repeats: bool = False
) -> PhotoList:
    """Reads a list file.

    Args:
        path: The file.
        columns: Numbers of names that a line may have, of 1 and 2.
        root: Folder that relative paths start from; empty is the list's own.
        keep_repeats: Whether lines that say the same are kept all.

    Raises:
        UserError: if it cannot be read or is no text.
    """
    path = pathlib.Path(path)
    base = pathlib.Path(root).expanduser() if str(root) else path.parent
    lines = read_lines(path)
    if path.suffix.lower() == ".csv":
        cells = _csv_cells(lines, base)
    else:
        cells = [(number, _cells(line, columns, base)) for number, line in lines]
    rows, bad, seen, repeated = [], {}, set(), 0
    wanted = " or ".join({1: '"photo"', 2: '"photo<tab>mask"'}[count] for count in sorted(columns))
    for number, words in cells:
        if len(words) == 2 and columns == (1,) and path.suffix.lower() == ".csv":
            words = words[:1]
        if len(words) not in columns or not all(words):
            bad[number] = f"expected {wanted}, found {printable(' '.join(words))!r}"
            continue
        paths = tuple(existing(base / os.path.expanduser(word)) for word in words)
        if paths in seen:
            repeated += 1
            if not keep_repeats:
                continue
        seen.add(paths)
        rows.append(ListRow(number, paths))
    return PhotoList(tuple(rows), bad, repeated)


def read_lines(path: str | os.PathLike) -> list[tuple[int, str]]:
    """(number, text) of a text file's lines without comments and empty ones, whatever its encoding.

    Raises:
        UserError: if it cannot be read, is no regular file, or no text.
    """
    name = printable(path)
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise UserError(f"the list {name} is no regular file; save it as one first.")
        if found.st_size > _MOST_LIST_BYTES:
            raise UserError(f"the list {name} has {found.st_size / 2**30:.1f} GiB; that is no list of files.")
        text = _decoded(pathlib.Path(path).read_bytes())
    except (OSError, UnicodeError) as error:
        raise UserError(f"the list {name} cannot be read: {reason(error)}.") from error
    if "\0" in text:
        raise UserError(f"{name} is no list of files: it is no text.")
    # Not splitlines: what it splits at may be part of names.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [
        (number, line.strip())
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]


def _decoded(content: bytes) -> str:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            # Bytes that are no UTF-8 are those of file names in another encoding, which Python keeps in the same way.
            return content.decode(encoding, "surrogateescape" if encoding == "utf-8-sig" else "strict")
    head = content[:4096]
    for encoding, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if len(zeros) > 4 and zeros.count(0) > 0.6 * len(zeros):
            return content.decode(encoding)
    return content.decode("utf-8", "surrogateescape")


def _csv_cells(lines: list[tuple[int, str]], base: pathlib.Path) -> list[tuple[int, list[str]]]:
    counts = {mark: sum(line.count(mark) for _, line in lines[:20]) for mark in ",;\t"}
    delimiter = max(counts, key=lambda mark: counts[mark])
    cells = [
        (number, [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]) for number, line in lines
    ]
    first, second = 0, 1
    if cells:
        head = [cell.lower() for cell in cells[0][1]]
        is_header = any(cell in (*_HEADER_WORDS, *_MASK_WORDS) for cell in head)
        if is_header and not existing(base / cells[0][1][0]).exists():
            cells = cells[1:]
            first = next((i for i, cell in enumerate(head) if cell in _HEADER_WORDS), 0)
            second = next((i for i, cell in enumerate(head) if cell in _MASK_WORDS), -1)
    found = []
    for number, row in cells:
        chosen = [row[i] for i in (first, second) if 0 <= i < len(row)]
        found.append((number, chosen[:1] if len(chosen) == 2 and not chosen[1] else chosen))
    return found


def _cells(line: str, columns: Sequence[int], base: pathlib.Path) -> list[str]:
    """The names on a line. Where spaces may separate names or be part of them, what exists decides."""

    def there(word):
        return existing(base / os.path.expanduser(word)).exists()

    if "\t" in line:
        words = [_unquoted(word.strip()) for word in line.split("\t")]
        return [word for word in words if word] if len(words) > max(columns) else words
    if columns == (1,) and not any(mark in line for mark in ('"', "'", "#")):
        return [line]
    if 1 in columns and there(_unquoted(line)):
        return [_unquoted(line)]
    words = [_unquoted(word) for word in re.findall(r'"[^"]*"|\'[^\']*\'(?=\s|$)|\S+', line)]
    if len(words) in columns and (len(words) == 1 or max(columns) == 2):
        return words
    comment = re.search(r"\s#", line)
    if comment:
        return _cells(line[: comment.start()].strip(), columns, base)
    if 2 in columns:
        for space in re.finditer(r"\s+", line):
            pair = [_unquoted(line[: space.start()]), _unquoted(line[space.end() :])]
            if all(map(there, pair)):
                return pair
        return words
    return [_unquoted(line)]


def _unquoted(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word


def existing(path: pathlib.Path) -> pathlib.Path:
    """The path, with its accents composed or taken apart as the file's name has them; as it is if there is none."""
    if os.path.lexists(path) or str(path).isascii():
        return path
    for form in ("NFC", "NFD"):
        other = pathlib.Path(unicodedata.normalize(form, str(path)))
        if os.path.lexists(other):
            return other
    return path


@dataclasses.dataclass
class FolderScan:
    """What a folder holds.

    Attributes:
        photos: Files that look like photos, sorted by path.
        unreadable: File -> why it cannot be read, for those that somebody meant as photos.
        left_out: Kind ("hidden", "in subfolders", ...) -> files and folders that were not taken.
    """

    photos: list[pathlib.Path] = dataclasses.field(default_factory=list)
    unreadable: dict[pathlib.Path, str] = dataclasses.field(default_factory=dict)
    left_out: dict[str, list[pathlib.Path]] = dataclasses.field(default_factory=dict)

    def leave_out(self, kind: str, path: pathlib.Path) -> None:
        """Remembers something that is not taken."""
        self.left_out.setdefault(kind, []).append(path)

    def summary(self) -> list[str]:
        """A line for each kind that was left out: how many, and the first few by name."""
        lines = []
        for kind, paths in self.left_out.items():
            named = ", ".join(printable(path.name) for path in paths[:_NAMED])
            more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
            lines.append(f"left out, {kind}: {named}{more}")
        return lines


def is_run_folder(folder: str | os.PathLike) -> bool:
    """Whether a folder is that of a training run, an evaluation or a mask set, whose pictures are no photos."""
    folder = pathlib.Path(folder)
    return (folder / "configuration.json").is_file() or (folder / "manifest.json").is_file()


SUBFOLDERS = "in subfolders (--recursive takes them)"
HIDDEN = "hidden"


def scan_folder(
    folder: str | os.PathLike,
    recursive: bool = False,
    skip: Callable[[pathlib.Path], bool] = lambda path: False,
    suffixes: Iterable[str] = READABLE,
) -> FolderScan:
    """Looks for photos in a folder.

    Args:
        folder: The folder.
        recursive: Whether folders below it are searched, links to folders too, each folder once.
        skip: Says of a folder below it whether it is no part of the photos (outputs, for example).
        suffixes: Of photos, lower case.

    Raises:
        UserError: if it cannot be read.
    """
    scan = FolderScan()
    try:
        found = os.stat(folder)
        _scan(pathlib.Path(folder), recursive, skip, tuple(suffixes), scan, {(found.st_dev, found.st_ino)})
    except OSError as error:
        raise UserError(f"{printable(folder)} cannot be read: {reason(error)}.") from error
    scan.photos.sort()
    return scan


def _scan(folder, recursive, skip, suffixes, scan, seen) -> None:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith(".") or entry.name in _HIDDEN_FOLDERS or entry.name.lower() in _SYSTEM_FILES:
            scan.leave_out(HIDDEN, path)
        elif entry.is_dir():
            _scan_below(path, recursive, skip, suffixes, scan, seen)
        else:
            _sort_file(path, suffixes, scan)


def _scan_below(path, recursive, skip, suffixes, scan, seen) -> None:
    if skip(path):
        return
    if not recursive:
        below = FolderScan()
        if path.suffix.lower() in suffixes:
            scan.leave_out("folders named like photos", path)
        try:
            found = path.stat()
            _scan(path, True, skip, suffixes, below, {*seen, (found.st_dev, found.st_ino)})
        except OSError:
            return
        for photo in below.photos:
            scan.leave_out(SUBFOLDERS, photo)
        return
    try:
        found = path.stat()
        if (found.st_dev, found.st_ino) in seen:
            scan.leave_out("links to folders that are searched already", path)
            return
        seen.add((found.st_dev, found.st_ino))
        _scan(path, recursive, skip, suffixes, scan, seen)
    except OSError as error:
        scan.unreadable[path] = f"cannot be read: {reason(error)}."


def _sort_file(path, suffixes, scan) -> None:
    suffix = path.suffix.lower()
    if suffix in HEIF_SUFFIXES:
        if register_heif():
            scan.photos.append(path)
        else:
            scan.unreadable[path] = f"is not read: {HEIF_ADVICE}."
    elif suffix in _OTHER_PICTURES:
        scan.unreadable[path] = f"is not read: {suffix} is no format of photos; convert it to PNG or TIFF."
    elif suffix not in suffixes:
        scan.leave_out("other kinds of files", path)
    else:
        scan.photos.append(path)
