//! Language models from GGUF and embedders, with candle
