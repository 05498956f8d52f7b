"""Unmodified PyPI did-webvh, asked about many logs in one process: reads [[did, file], …], writes what it resolved each to.

Its command line ends well whatever it finds, and raises what it likes about malformed logs: only a versionId counts.
"""

import asyncio
import json
import sys
from pathlib import Path

from did_webvh.resolver import resolve


async def version_of(did, file):
    # It would wait for the first line for ever.
    if not Path(file).read_bytes().strip():
        return None
    try:
        result = await resolve(did, local_history=Path(file))
        return (result.get("didDocumentMetadata") or {}).get("versionId")
    except Exception:
        return None


async def main():
    return [await version_of(did, file) for did, file in json.load(sys.stdin)]


json.dump(asyncio.run(main()), sys.stdout)
