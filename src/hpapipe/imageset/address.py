"""Addresses on other machines: what they are called, how they are asked, and how long an answer is waited for."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit
from urllib.request import url2pathname

from hpapipe.errors import UserError
from hpapipe.imageset.decode import ImageError

T = TypeVar("T")

WEB = ("http", "https")
EXTRAS = {"s3": ("s3fs", "s3"), "gs": ("gcsfs", "gs"), "gcs": ("gcsfs", "gs")}
"""Protocol -> the library that speaks it, and the extra of hpapipe that brings it."""

PROTOCOLS = (*WEB, *EXTRAS, "memory")
"""Protocols that images can be asked for by; `file` is a path of this machine."""

_LATER = (408, 425, 429)
"""Answers below 500 that may be another the next time: timeout, too early, too many requests."""


@dataclass(frozen=True)
class Patience:
    """How long an answer is waited for.

    Args:
        timeout: seconds to connect, and between two pieces of an answer; all of it may take ten times as long.
        tries: how often is asked where an answer fails for a reason that may pass; the libraries for buckets have
            their own tries, and are asked once.
        pause: seconds before the second try; each further pause is twice as long.
    """

    timeout: float = 30.0
    tries: int = 3
    pause: float = 0.5


class UnansweredError(Exception):
    """An address that gave nothing; its text says why, and after how many tries."""


class _VainError(Exception):
    """An address that gives nothing however often it is asked; its text says why."""


def protocol_of(text: str) -> str:
    """The protocol of an address; empty where it is a path."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", text)
    return found[1].lower() if found else ""


def without_secrets(text: str) -> str:
    """An address without its user, password, and what follows a question mark, where tokens stand."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return f"{protocol_of(text)}://…"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "…" if parts.query else "", ""))


def local_path(address: str) -> Path:
    """The path that a `file://` address stands for.

    Raises:
        UserError: it names another machine.
    """
    parts = urlsplit(address)
    if parts.netloc not in ("", "localhost"):
        received = f"{parts.netloc} in {address}"
        raise UserError("An address file:// must be of this machine.", received, "Write file:///, and the whole path.")
    return Path(url2pathname(parts.path))


def filesystem(address: str, patience: Patience) -> Any:
    """The fsspec file system that an address is asked by; fsspec keeps one for each set of options.

    Raises:
        UserError: its protocol is none of `PROTOCOLS`, or the library for it is not installed.
    """
    import fsspec

    protocol = protocol_of(address)
    if protocol not in PROTOCOLS:
        known = ", ".join(f"{name}://" for name in ("file", *PROTOCOLS))
        received = without_secrets(address)
        raise UserError(f"An address must begin with one of {known}.", received, "Download the images first.")
    library, extra = EXTRAS.get(protocol, ("", ""))
    try:
        files = fsspec.filesystem(protocol, use_listings_cache=False, **_options(address, patience))
    except ImportError:
        received = f"{without_secrets(address)} without it"
        remedy = f'Run: pip install "hpapipe[{extra}]".'
        raise UserError(f"Addresses with {protocol}:// need the library {library}.", received, remedy) from None
    if library:
        logging.getLogger(library).setLevel(logging.CRITICAL)  # its faults are told by whoever asked
    return files


def _options(address: str, patience: Patience) -> dict[str, Any]:
    """What makes a file system give up in time."""
    protocol = protocol_of(address)
    if protocol == "s3":
        waits = {"connect_timeout": patience.timeout, "read_timeout": patience.timeout}
        return {"config_kwargs": waits | {"retries": {"max_attempts": 1}}}
    if protocol in EXTRAS:
        return {"requests_timeout": patience.timeout}
    if protocol not in WEB:
        return {}
    from aiohttp import ClientTimeout

    waits = {"sock_connect": patience.timeout, "sock_read": patience.timeout}
    # A signed address must be asked for as it is written: another spelling is another signature.
    spelled = re.fullmatch(r"[!-~]+", address) is not None
    timeout = ClientTimeout(total=10 * patience.timeout, **waits)
    return {"client_kwargs": {"timeout": timeout, "trust_env": True}, "simple_links": False, "encoded": spelled}


def fetch(address: str, name: str, most: int, patience: Patience) -> bytes:
    """The bytes of the file at an address.

    Args:
        address: one of `PROTOCOLS`.
        name: for messages.
        most: bytes that it may have; what is larger is cut off and refused.
        patience: how long is waited.

    Raises:
        ImageError: no answer, or a larger one.
        UserError: of `filesystem`.
    """
    files = filesystem(address, patience)
    asked = _ask_web if protocol_of(address) in WEB else _ask
    try:
        content = patiently(lambda: asked(files, address, most), address, patience)
    except UnansweredError as error:
        remedy = "Mend the address, or take its field out."
        raise ImageError("Each address must answer with an image.", f"{error}, for {name}", remedy) from None
    if content is None:
        rule = f"An image file must have at most {most:,} bytes, 4 for each of `data.max_pixels` and 1 MiB more."
        raise ImageError(rule, f"more for {name}", "Raise `data.max_pixels`.")
    return content


def patiently(ask: Callable[[], T], address: str, patience: Patience) -> T:
    """What `ask` returns, asked again where it fails for a reason that may pass.

    Raises:
        UnansweredError: it never returned.
    """
    tries = 1 if protocol_of(address) in EXTRAS else patience.tries
    for attempt in range(1, tries + 1):
        try:
            return ask()
        except Exception as error:  # each library has its own faults
            reason, may_pass = _reason(error, patience)
            if not may_pass:
                raise UnansweredError(reason) from None
            if attempt < tries:
                time.sleep(patience.pause * 2 ** (attempt - 1))
    raise UnansweredError(f"{reason} after {tries} tries" if tries > 1 else reason)


def _ask_web(files: Any, address: str, most: int) -> bytes | None:
    """In one request, and no more than `most` bytes of the answer; none: it has more."""
    from aiohttp import ClientPayloadError, NonHttpUrlClientError, TooManyRedirects
    from fsspec.asyn import sync

    async def ask() -> bytes | None:
        session = await files.set_session()
        content = bytearray()
        # Images are compressed already; and what a server compresses has no length to check.
        async with session.get(files.encode_url(address), headers={"Accept-Encoding": "identity"}) as answer:
            answer.raise_for_status()
            async for piece in answer.content.iter_chunked(1 << 16):
                content += piece
                if len(content) > most:
                    return None
        return bytes(content)

    try:
        return sync(files.loop, ask)
    except NonHttpUrlClientError:  # file:// or the like
        raise _VainError("an address that leads to another protocol") from None
    except TooManyRedirects:
        raise _VainError("an address that leads on and on") from None
    except ClientPayloadError:
        raise OSError("the answer broke off") from None


def _ask(files: Any, address: str, most: int) -> bytes | None:
    content = files.cat_file(address, start=0, end=most + 1)  # one request; asking for the size would be another
    return content if len(content) <= most else None


def _reason(error: Exception, patience: Patience) -> tuple[str, bool]:
    """Why an address gave nothing, in words without its secrets, and whether another try may succeed."""
    if isinstance(error, _VainError):
        return str(error), False
    status = getattr(error, "status", None)
    if isinstance(status, int):
        return f"“{status} {getattr(error, 'message', '')}”", status >= 500 or status in _LATER
    if isinstance(error, TimeoutError):
        return f"no answer within {patience.timeout:g} s", True
    if isinstance(error, FileNotFoundError):
        return "nothing there", False
    if isinstance(error, PermissionError):
        return "no permission", False
    if isinstance(error, ValueError):
        return "an address that cannot be asked", False
    text = re.sub(r"\S+://\S+", lambda found: without_secrets(found[0]), " ".join(str(error).split()))
    return f"“{text[:200] or type(error).__name__}”", True
