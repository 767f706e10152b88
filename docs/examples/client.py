"""Ask a served Version, with nothing but Python's standard library.

    python client.py --channels red,green,blue,yellow "images/{id}_{channel}.png" 00070df0 000a6c98
    python client.py --channels image "frames/{id}.png" r1c1_f0001

Prints one line of JSON an image. To ask from a program of your own, copy `ask`.
"""

import argparse
import base64
import contextlib
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

AT_ONCE = 16
"""Images in a request."""


def ask(server, images, timeout=60):
    """The answers to some images, a dictionary each, in their order.

    Args:
        server: its address, such as http://127.0.0.1:5001.
        images: for each image a dictionary: channel -> the bytes of a PNG or TIFF file. A segmenter's only channel is
            called `image`.
        timeout: seconds.

    Raises:
        ValueError: the server refused the images; it says why.
        OSError: no server answers there.
    """
    rows = [{channel: base64.b64encode(file).decode() for channel, file in image.items()} for image in images]
    body = json.dumps({"dataframe_records": rows}).encode()
    request = urllib.request.Request(f"{server}/invocations", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as reply:
            return json.load(reply)["predictions"]
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace")
        with contextlib.suppress(ValueError, KeyError, TypeError):
            said = json.loads(said)["message"]
        raise ValueError(f"HTTP {error.code}: {said}") from None


def main():
    parser = argparse.ArgumentParser(description="Ask a served Version about images on disk.")
    parser.add_argument("files", help="where the images are, with {id} and {channel}")
    parser.add_argument("ids", nargs="+", help="of the images")
    parser.add_argument("--channels", default="image", help="names, separated by commas")
    parser.add_argument("--server", default="http://127.0.0.1:5001")
    given = parser.parse_args()
    channels = given.channels.split(",")
    for start in range(0, len(given.ids), AT_ONCE):
        ids = given.ids[start : start + AT_ONCE]
        images = [{c: Path(given.files.format(id=name, channel=c)).read_bytes() for c in channels} for name in ids]
        try:
            answers = ask(given.server, images)
        except (ValueError, OSError) as error:
            sys.exit(str(error))
        for name, answer in zip(ids, answers, strict=True):
            sys.stdout.write(json.dumps({"id": name, **answer}) + "\n")


if __name__ == "__main__":
    main()
