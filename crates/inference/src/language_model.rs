//! The port's side: a handle that can be cloned and shared, in front of one worker thread that owns the model.
//!
//! Generations wait in a bounded queue and run one after another: a processor that decodes two answers at once
//! finishes both later. A panic in the worker fails the generation that it happened in and nothing else.

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use rayon::ThreadPool;
use resident_agent::{
    Cancel, GenerateOptions, Generation, Guidance, LanguageModel, Locality, ModelError, ModelInfo, Progress, Prompt,
};
use toktrie::SimpleVob;

use crate::cache::SequenceCache;
use crate::decoder::{Activations, Decoder};
use crate::engine::{Engine, Job};
use crate::error::{LoadError, panic_message};
use crate::gguf::{Gguf, Hyperparameters};
use crate::grammar::CallGrammars;
use crate::pool::pool;
use crate::template::ChatTemplate;
use crate::tokenizer::Tokenizer;

/// Generations that wait at most; the next caller waits before the queue.
const QUEUE: usize = 16;

/// The context window where nobody asks for another: what a file was trained for may be 128 k tokens, whose keys and
/// values would fill the memory of a small machine.
const DEFAULT_WINDOW_TOKENS: usize = 8_192;

/// How to load a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// The context window, at most what the model was trained for; 8,192 or that where it is not given.
    pub context_window_tokens: Option<usize>,
    /// Threads that compute; one for each core where it is not given.
    pub threads: Option<NonZero<usize>>,
}

/// A language model from a GGUF file, on this computer's processor. Clones share the model.
#[derive(Clone)]
pub struct LocalLanguageModel {
    shared: Arc<Shared>,
}

struct Shared {
    info: ModelInfo,
    tokenizer: Arc<Tokenizer>,
    template: ChatTemplate,
    queue: SyncSender<Request>,
}

struct Request {
    job: Job,
    reply: Sender<Reply>,
}

enum Reply {
    Progress(Progress),
    Done(Result<Generation, ModelError>),
}

impl LocalLanguageModel {
    /// Loads the file at `path` as the model `handle` (`local/<id>`), called `name` before people.
    ///
    /// # Errors
    /// [`ModelError::Load`], with the reason: the file is missing, cut short, not GGUF, damaged, or of a kind that is
    /// not supported.
    pub fn load(
        path: &Path,
        handle: &str,
        name: &str,
        guidance: Guidance,
        options: LoadOptions,
    ) -> Result<Self, ModelError> {
        let loaded = catch_unwind(|| Self::try_load(path, handle, name, guidance, options))
            .unwrap_or_else(|panic| Err(LoadError::Panicked { message: panic_message(&*panic) }));
        loaded.map_err(|error| error.into_model_error(handle))
    }

    fn try_load(
        path: &Path,
        handle: &str,
        name: &str,
        guidance: Guidance,
        options: LoadOptions,
    ) -> Result<Self, LoadError> {
        let mut gguf = Gguf::open(path)?;
        let parameters = Hyperparameters::read(&gguf)?;
        let tokenizer = Arc::new(Tokenizer::read(&gguf)?);
        let template = ChatTemplate::read(&gguf)?;
        let asked = options.context_window_tokens.unwrap_or(DEFAULT_WINDOW_TOKENS);
        let context_window_tokens = asked.min(parameters.context_tokens);
        let grammars = CallGrammars::new(&tokenizer).map_err(|message| LoadError::Tokenizer { message })?;
        let pool = pool(options.threads).map_err(|error| LoadError::Threads { message: error.to_string() })?;
        let decoder = Decoder::load(&mut gguf, parameters)?;
        let Hyperparameters { layers, key_value_heads, head_dimensions, vocabulary, .. } = *decoder.parameters();
        let mut text_tokens = SimpleVob::alloc(vocabulary);
        for token in 0..vocabulary as u32 {
            text_tokens.set(token as usize, tokenizer.is_end(token) || !tokenizer.is_control(token));
        }
        let engine = Engine {
            handle: handle.to_owned(),
            decoder,
            tokenizer: tokenizer.clone(),
            style: template.style(),
            grammars,
            cache: SequenceCache::new(layers, key_value_heads * head_dimensions, context_window_tokens),
            activations: Activations::default(),
            text_tokens,
            context_window_tokens,
        };
        let (queue, requests) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("resident-inference".to_owned())
            .spawn(move || work(engine, &pool, &requests))
            .map_err(|error| LoadError::Threads { message: error.to_string() })?;
        let info = ModelInfo {
            handle: handle.to_owned(),
            name: name.to_owned(),
            locality: Locality::Local,
            context_window_tokens,
            guidance,
        };
        tracing::info!(path = %gguf.path().display(), context_window_tokens, "language model loaded");
        Ok(Self { shared: Arc::new(Shared { info, tokenizer, template, queue }) })
    }

    fn render(&self, prompt: &Prompt) -> Result<String, ModelError> {
        let Shared { template, tokenizer, info, .. } = &*self.shared;
        template.render(prompt, tokenizer).map_err(|message| ModelError::Engine {
            model: info.handle.clone(),
            message: format!("its chat template refuses the conversation: {message}"),
        })
    }

    fn worker_gone(&self) -> ModelError {
        ModelError::Engine { model: self.shared.info.handle.clone(), message: "its worker thread has ended".to_owned() }
    }
}

impl LanguageModel for LocalLanguageModel {
    fn info(&self) -> ModelInfo {
        self.shared.info.clone()
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.shared.tokenizer.encode(text).len()
    }

    fn count_prompt_tokens(&self, prompt: &Prompt) -> usize {
        // A conversation that the template refuses fails when it is generated from; its size is that of its text.
        let rendered = self.render(prompt).unwrap_or_else(|_| {
            let messages = prompt.messages.iter().map(|message| message.content.as_str());
            messages.fold(prompt.system.clone(), |text, message| text + message)
        });
        self.shared.tokenizer.encode_prompt(&rendered).len()
    }

    fn generate(
        &self,
        prompt: &Prompt,
        options: &GenerateOptions,
        cancel: &Cancel,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Generation, ModelError> {
        let job = Job {
            rendered: self.render(prompt)?,
            prompt: prompt.clone(),
            options: options.clone(),
            cancel: cancel.clone(),
        };
        let (reply, replies) = channel();
        self.shared.queue.send(Request { job, reply }).map_err(|_| self.worker_gone())?;
        loop {
            match replies.recv() {
                Ok(Reply::Progress(progress)) => on_progress(progress),
                Ok(Reply::Done(result)) => return result,
                Err(_) => return Err(self.worker_gone()),
            }
        }
    }
}

/// Runs generations until the last handle is gone.
fn work(mut engine: Engine, pool: &ThreadPool, requests: &Receiver<Request>) {
    while let Ok(Request { job, reply }) = requests.recv() {
        let mut report = |progress| {
            // Whoever waited for the answer is gone: what is left of it is not worth computing.
            if reply.send(Reply::Progress(progress)).is_err() {
                job.cancel.cancel();
            }
        };
        let generated = catch_unwind(AssertUnwindSafe(|| pool.install(|| engine.generate(&job, &mut report))));
        let result = generated.unwrap_or_else(|panic| {
            let message = panic_message(&*panic);
            tracing::error!(%message, "the inference worker panicked");
            Err(ModelError::Engine { model: engine.handle.clone(), message })
        });
        // Nobody waits any more: there is nobody to tell.
        let _ = reply.send(Reply::Done(result));
    }
}
