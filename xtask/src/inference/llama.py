"""llama.cpp for `cargo xtask bench inference`: the threads and the model's file as arguments, a question as JSON in
each line, a number as the answer."""

import json
import resource
import sys
import time

import llama_cpp as llama
import numpy

threads, path = int(sys.argv[1]), sys.argv[2].encode()
keep = llama.llama_log_callback(lambda level, text, data: None)
llama.llama_log_set(keep, None)
llama.llama_backend_init()
random = numpy.random.default_rng(1)


def load():
    model = llama.llama_model_load_from_file(path, llama.llama_model_default_params())
    parameters = llama.llama_context_default_params()
    parameters.n_ctx, parameters.n_batch, parameters.n_ubatch = 4_096, 2_048, 512
    parameters.n_threads = parameters.n_threads_batch = threads
    return model, llama.llama_init_from_model(model, parameters)


model, context = load()
vocabulary = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(model))


def evaluate(tokens):
    for start in range(0, len(tokens), 2_048):
        part = tokens[start : start + 2_048]
        array = (llama.llama_token * len(part))(*[int(token) for token in part])
        assert llama.llama_decode(context, llama.llama_batch_get_one(array, len(part))) == 0


def likeliest():
    return int(numpy.argmax(numpy.ctypeslib.as_array(llama.llama_get_logits_ith(context, -1), (vocabulary,))))


def some(count):
    return random.integers(100, vocabulary - 300, count)


def forget():
    llama.llama_memory_clear(llama.llama_get_memory(context), True)


def answer(question):
    match question["do"]:
        case "load":
            start = time.perf_counter()
            other, its_context = load()
            seconds = time.perf_counter() - start
            llama.llama_free(its_context)
            llama.llama_model_free(other)
            return seconds * 1e3
        case "read":
            forget()
            tokens = some(question["tokens"])
            start = time.perf_counter()
            evaluate(tokens)
            likeliest()
        case "write":
            forget()
            evaluate(some(question["past"]))
            token = likeliest()
            start = time.perf_counter()
            for _ in range(question["tokens"]):
                evaluate([token])
                token = likeliest()
        case "second_turn":
            forget()
            evaluate(some(question["first"]))
            likeliest()
            tokens = some(question["tokens"])
            start = time.perf_counter()
            evaluate(tokens)
            likeliest()
        case "memory":
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (time.perf_counter() - start) * 1e3


for line in sys.stdin:
    print(answer(json.loads(line)), flush=True)
