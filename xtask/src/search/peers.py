"""One of the programs that Resident's index is compared with. Reads a line of JSON, answers with one."""

import json
import os
import statistics
import sys
import time

import numpy

PEER, FOLDER, SIZE, DIMENSION, NEAREST, PATIENCE_S = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:7])
OPENED = 5


def memory_mib():
    """Memory of this process that is not a file's."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("RssAnon:"))
    except OSError:
        return None


class SqliteVec:
    """A virtual table, as its documentation has it."""

    file = "peer.sqlite"

    def build(self, stored):
        self.path = os.path.join(FOLDER, self.file)
        if os.path.exists(self.path):
            os.remove(self.path)
        self.open()
        cursor = self.connection.cursor()
        cursor.execute("PRAGMA journal_mode = OFF")
        cursor.execute(f"CREATE VIRTUAL TABLE stored USING vec0(vector float[{DIMENSION}] distance_metric=cosine)")
        with self.connection:
            rows = ((key, vector.tobytes()) for key, vector in enumerate(stored))
            cursor.executemany("INSERT INTO stored (rowid, vector) VALUES (?, ?)", rows)

    def open(self):
        import apsw
        import sqlite_vec

        self.connection = apsw.Connection(self.path)
        self.connection.enable_load_extension(True)
        self.connection.load_extension(sqlite_vec.loadable_path())

    def search(self, question):
        sql = "SELECT rowid FROM stored WHERE vector MATCH ? AND k = ? ORDER BY distance"
        return [row[0] for row in self.connection.execute(sql, (question.tobytes(), NEAREST))]


class Faiss:
    """IndexFlatIP: exact, in 32 bits."""

    file = "peer.faiss"

    def build(self, stored):
        import faiss

        self.path = os.path.join(FOLDER, self.file)
        self.index = faiss.IndexFlatIP(DIMENSION)
        for start in range(0, SIZE, 10_000):
            self.index.add(numpy.ascontiguousarray(stored[start : start + 10_000]))
        faiss.write_index(self.index, self.path)

    def open(self):
        import faiss

        self.index = None
        self.index = faiss.read_index(self.path)

    def search(self, question):
        return self.index.search(question[None, :], NEAREST)[1][0].tolist()


class Usearch:
    """HNSW with its default parameters."""

    file = "peer.usearch"

    def build(self, stored):
        from usearch.index import Index

        self.path = os.path.join(FOLDER, self.file)
        self.index = Index(ndim=DIMENSION, metric="ip", dtype="f32")
        keys = numpy.arange(SIZE, dtype=numpy.uint64)
        begun = time.perf_counter()
        for start in range(0, SIZE, 10_000):
            if time.perf_counter() - begun > PATIENCE_S:
                raise TimeoutError(f"it had {start} of {SIZE} vectors after {PATIENCE_S} s")
            self.index.add(keys[start : start + 10_000], numpy.ascontiguousarray(stored[start : start + 10_000]))
        self.index.save(self.path)

    def open(self):
        from usearch.index import Index

        self.index = None
        self.index = Index.restore(self.path)

    def search(self, question):
        return self.index.search(question, NEAREST).keys.tolist()


def main():
    peer = {"sqlite-vec": SqliteVec, "faiss flat f32": Faiss, "usearch HNSW f32": Usearch}[PEER]()
    stored = numpy.memmap(os.path.join(FOLDER, "stored.f32"), numpy.float32, "r", shape=(SIZE, DIMENSION))
    asked = numpy.fromfile(os.path.join(FOLDER, "asked.f32"), numpy.float32).reshape(-1, DIMENSION)

    def build():
        before, begun = memory_mib(), time.perf_counter()
        try:
            peer.build(stored)
        except TimeoutError as error:
            return {"gave_up": str(error)}
        seconds, after = time.perf_counter() - begun, memory_mib()
        disk_mib = os.path.getsize(peer.path) / (1 << 20)
        memory = None if before is None else after - before
        return {"seconds": seconds, "memory_mib": memory, "disk_mib": disk_mib}

    def search(start, end):
        answers = []
        for question in asked[start:end]:
            begun = time.perf_counter()
            keys = peer.search(question)
            answers.append({"ms": (time.perf_counter() - begun) * 1e3, "keys": keys})
        return {"answers": answers}

    def open_again():
        times = []
        for _ in range(OPENED):
            begun = time.perf_counter()
            peer.open()
            times.append((time.perf_counter() - begun) * 1e3)
        return {"ms": statistics.median(times)}

    tasks = {"build": build, "search": search, "open": open_again}
    for line in sys.stdin:
        task = json.loads(line)
        print(json.dumps(tasks[task.pop("do")](**task)), flush=True)


main()
