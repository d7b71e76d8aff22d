"""Runs codecs in JavaScript: the program of one worker process.

It is started by path, alone, with an empty environment and nothing open but its two pipes and a
page of memory; it imports no other module of Beffroi. ``runner.py`` speaks to it.

Each context is a runtime of its own, with its own heap, globals and prototypes: what one device's
codec does to them, no other device's codec can see. Within a context the text of the codec is run
again for each frame, so that nothing it keeps in a variable reaches the next frame.
"""

from __future__ import annotations

import marshal
import mmap
import os
import resource
import signal
import struct
import sys
from collections import Counter, OrderedDict
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any

HEADER = struct.Struct("<I")
ANSWER = struct.Struct("<cI")
COUNTER = struct.Struct("<Q")
PIPE_IN, PIPE_OUT = 0, 1
MEGABYTE = 1024 * 1024
STACK = 512 * 1024
ADMITTED_EVERY = 16
SHARE_OF_CONTEXTS = 0.6
"""Of a worker's memory, what kept contexts may take; the rest is for the one that runs."""
OVERHEAD = 100 * 1024
"""What a context costs beside what its engine counts."""
MAX_DETAIL = 600
OWN_LINES = 10_000
STOPPED = (b"L", b"M")
STOPS_IN_A_BATCH = 3
"""A script stopped so many times is not tried again in the same batch: others wait."""
EXHAUSTED = ("out of memory", "stack overflow", "call stack size")


class Settings:
    """What the parent decides, given on the command line in this order."""

    def __init__(self, words: list[str]) -> None:
        (self.engine, self.shims, page, memory_mb, context_mb, contexts, soft_s, hard_s, output) = (
            words
        )
        self.page = int(page)
        self.memory = int(memory_mb) * MEGABYTE
        self.context_memory = int(context_mb) * MEGABYTE
        self.contexts = int(contexts)
        self.soft_s = float(soft_s)
        self.hard_s = float(hard_s)
        self.max_output = int(output)


class Worker:
    """The contexts of this process, and how a call is answered."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.quickjs = _engine(settings.engine)
        shims = Path(settings.shims)
        # The engine gives every text one name: lines of ours are told from a codec's by numbers
        # that no codec reaches.
        before = "\n" * OWN_LINES
        self.bridge, *self.shims = (
            before + (shims / name).read_text("utf-8")
            for name in ("bridge.js", "buffer.js", "time.js", "locale.js")
        )
        self.page = mmap.mmap(settings.page, mmap.PAGESIZE)
        os.close(settings.page)
        self.contexts: OrderedDict[tuple[int, str], tuple[Any, int]] = OrderedDict()
        self.held = 0
        self.turned_away = 0
        self.room = int(settings.memory * SHARE_OF_CONTEXTS)
        self.sources: dict[int, str] = {}
        self.begun = 0
        # A first context pays for what the engine prepares once, before anybody waits.
        self._context("function decodeUplink(input) { return { data: {} }; }")

    def serve(self) -> None:
        """Answer batches until the parent closes the pipe."""
        while True:
            head = _read(HEADER.size)
            if head is None:
                return
            body = _read(HEADER.unpack(head)[0])
            if body is None:
                return
            forget, sources, calls, at_once = marshal.loads(body)  # noqa: S302 - our parent's own
            if forget:
                self.sources.clear()
            self.sources.update(sources)
            answers: list[bytes] = []
            stops: Counter[int] = Counter()
            for call in calls:
                self.begun += 1
                COUNTER.pack_into(self.page, 0, self.begun)
                # Ends the process where native code never asks whether it is time to stop.
                signal.setitimer(signal.ITIMER_PROF, self.settings.hard_s)
                if stops[call[0]] < STOPS_IN_A_BATCH:
                    kind, text = self._answer(*call)
                    stops[call[0]] += kind in STOPPED
                else:
                    kind, text = b"A", "stopped too often on the frames before this one"
                signal.setitimer(signal.ITIMER_PROF, 0)
                octets = text.encode("utf-8", "replace")
                answers.append(ANSWER.pack(kind, len(octets)))
                answers.append(octets)
                if at_once:
                    _write(b"".join(answers))
                    answers.clear()
            _write(b"".join(answers))

    def _answer(
        self, source_id: int, key: str, function: str, dialect: str, given: str
    ) -> tuple[bytes, str]:
        place = (source_id, key)
        size = 0
        try:
            bridge, size = self._kept(place) if key else (None, 0)
            if bridge is None:
                context, bridge, refused = self._context(self.sources[source_id])
                if refused:
                    return refused
                size = context.memory()["memory_used_size"] + OVERHEAD if key else 0
            text = bridge(function, dialect, given)
        except (self.quickjs.JSException, UnicodeError) as problem:
            return _told(problem)
        except MemoryError:
            self._make_room(self.room)
            return b"M", "out of memory"
        except RecursionError:
            return b"M", "nested too deep"
        if not isinstance(text, str) or not text:
            return b"O", "the codec disturbed its own environment"
        answer = text[:1].encode("ascii", "replace"), text[1:]
        if answer[0] == b"T":
            answer = _told(answer[1])
        # A context that ran out of memory is not used again.
        if key and answer[0] != b"M" and self._admits(size):
            self._make_room(size)
            self.contexts[place] = (bridge, size)
            self.held += size
        return answer

    def _kept(self, place: tuple[int, str]) -> tuple[Any, int]:
        kept: tuple[Any, int] = self.contexts.pop(place, (None, 0))
        self.held -= kept[1]
        return kept

    def _admits(self, size: int) -> bool:
        """Tell whether a context is kept: always where there is room, else now and then.

        Devices report in turn: letting each newcomer drive out the one used longest ago would drive
        out exactly the one that comes next, and with one device too many nothing would be found.
        """
        if len(self.contexts) < self.settings.contexts and self.held + size <= self.room:
            return True
        self.turned_away += 1
        return self.turned_away % ADMITTED_EVERY == 0

    def _make_room(self, size: int) -> None:
        """Let go of the contexts used longest ago until one more of a size fits."""
        while self.contexts and (
            len(self.contexts) >= self.settings.contexts or self.held + size > self.room
        ):
            _place, (_bridge, freed) = self.contexts.popitem(last=False)
            self.held -= freed

    def _context(self, source: str) -> tuple[Any, Any, tuple[bytes, str] | None]:
        context = self.quickjs.Context()
        context.set_memory_limit(self.settings.context_memory)
        context.set_max_stack_size(STACK)
        context.set_time_limit(self.settings.soft_s)
        bridge = context.eval(self.bridge)(*self.shims, self.settings.max_output)
        loaded = bridge("load", "", source)
        if loaded != "=":
            text = str(loaded)
            return context, bridge, _told(text[1:], otherwise=b"S")
        return context, bridge, None


def _told(problem: object, *, otherwise: bytes = b"T") -> tuple[bytes, str]:
    text = str(problem).split("\n", 1)[0][:MAX_DETAIL]
    if text.startswith("InternalError: interrupted"):
        return b"L", text
    # The last two are what is left to throw when there is no memory for an exception.
    if any(sign in text for sign in EXHAUSTED) or text in {"null", "[uninitialized]"}:
        return b"M", text
    return otherwise, text


def _read(size: int) -> bytes | None:
    parts = []
    while size:
        part = os.read(PIPE_IN, min(size, MEGABYTE))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(octets: bytes) -> None:
    view = memoryview(octets)
    while view:
        view = view[os.write(PIPE_OUT, view) :]


def _engine(path: str) -> Any:
    """Load the extension module from its very file: no folder is searched."""
    loader = ExtensionFileLoader("_quickjs", path)
    module = module_from_spec(ModuleSpec("_quickjs", loader, origin=path))
    loader.exec_module(module)
    return module


def _confine(memory: int) -> None:
    """Give up what a codec never needs: files, processes, memory and processor without end."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def main() -> None:
    """Prepare, give up every right, and serve."""
    worker = Worker(Settings(sys.argv[1:]))
    _confine(worker.settings.memory)
    _write(b"+")
    worker.serve()


if __name__ == "__main__":
    main()
