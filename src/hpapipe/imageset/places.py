"""Where the fields of a prediction come from: one place, whatever the user gave.

A place lists its fields as a stream and reads each of them alone, so that their number does not count. Folders, tables
and archives give the same arrays and hashes for the same images; a pack gives its rows.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hpapipe.errors import UserError
from hpapipe.imageset import tar_members
from hpapipe.imageset.address import Patience, local_path, protocol_of, without_secrets
from hpapipe.imageset.place_folder import FolderPlace
from hpapipe.imageset.place_pack import PackPlace, is_pack
from hpapipe.imageset.place_remote import RemotePlace
from hpapipe.imageset.place_table import TablePlace
from hpapipe.imageset.place_tar import TarPlace
from hpapipe.imageset.place_tar_packed import PackedTarPlace
from hpapipe.imageset.place_zip import ZipPlace
from hpapipe.imageset.stored import Place, Stored

if TYPE_CHECKING:
    from hpapipe.config import Data

__all__ = ["Patience", "Place", "Stored", "open_place"]

TABLES = (".csv", ".parquet")
ZIPS = (".zip",)
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")

_MUST = "Images must lie in a folder, a zip or tar archive, or be named by a CSV or Parquet table."


def open_place(given: str, data: Data, listed: bool = False, patience: Patience | None = None) -> Place:
    """The place that the user's words name.

    Args:
        given: path of a folder, a pack, a table or an archive, or the address of a folder.
        data: the recipe's section: how files are named, which channels are read, how large an image may be.
        listed: the fields were listed before: nothing is looked for, what is read is read by that list.
        patience: how long other machines are waited for; none: as `Patience` says.

    Raises:
        UserError: there is nothing, no file is named as `data.files` says, or a channel has no file at all.
    """
    patience = patience or Patience()
    protocol = protocol_of(given)
    if protocol and protocol != "file":
        if given.lower().endswith((*TABLES, *ZIPS, *TARS)):
            received = without_secrets(given)
            raise UserError("A table or an archive must lie on this machine.", received, "Download it first.")
        return RemotePlace(given, data, patience, listed)
    path = local_path(given) if protocol else Path(given)
    ending = path.name.lower()
    if path.is_dir():
        return PackPlace(path, data, given) if is_pack(path) else FolderPlace(path, data, given, listed)
    if not path.is_file():
        raise UserError(_MUST, f"{given}, which does not exist", "Give the folder of the images.")
    if ending.endswith(TABLES):
        return TablePlace(path, data, given, patience)
    if ending.endswith(ZIPS):
        return ZipPlace(path, data, given, listed)
    if ending.endswith(TARS):
        return _open_tar(path, data, given, listed)
    raise UserError(_MUST, given, f"Its name must end with one of {', '.join((*TABLES, *ZIPS, *TARS))}.")


def _open_tar(path: Path, data: Data, given: str, listed: bool) -> Place:
    try:
        if tar_members.is_zstd(path):
            remedy = "Unpack it with `zstd -d`, or pack it anew."
            raise UserError("A tar may be compressed by gzip, bzip2 or xz.", f"zstd in {given}", remedy)
        kind = PackedTarPlace if tar_members.is_packed(path) else TarPlace
    except OSError as error:
        received = f"“{error.strerror or error}” at {given}"
        raise UserError("Images must be readable.", received, "Change its permissions.") from None
    return kind(path, data, given, listed)
