//! ONNX Runtime, loaded at run time where its library is found. The one module (with its children) that names `ort`.
//!
//! What is peculiar about it, and handled here: every call before a successful load panics, so nothing else in the
//! crate can make one; there is one environment per process, for ever, so a second library is refused; execution
//! providers fall back silently unless each is registered alone, as an error, on a fresh builder; a run ends between
//! nodes when told so, and never inside one.

mod arena;
mod assignment;
mod error;

use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::environment::Environment;
use ort::ep;
use ort::session::builder::{AutoDevicePolicy, SessionBuilder};
use ort::session::{RunOptions, Session as OrtSession, SessionInputValue};
use ort::value::{TensorElementType, TensorRef, ValueType};
use serde::{Deserialize, Serialize};

use self::error::OnnxError;
use crate::backend::{Backend, EngineError, LoadOptions, Placement, Port, RunError, Session, check_inputs};
use crate::integrity::VerifiedBytes;
use crate::library::{LibraryError, LibrarySearch, Tried};
use crate::onnx_file;
use crate::stop::Stop;
use crate::tensor::{Element, Tensor, Values};

const ENGINE: &str = "onnxruntime";

/// Most memory, in bytes, for what flows through all networks of this process together: 512 MiB. Weights are not counted.
pub const DEFAULT_ARENA_BYTES: usize = 512 << 20;

/// The library that this process has loaded. A failed load leaves the slot empty, so that another path can be tried.
static LOADED: Mutex<Option<(Environment, PathBuf)>> = Mutex::new(None);

/// What runs the nodes of a model inside ONNX Runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Provider {
    /// NVIDIA TensorRT, which compiles the model for the card.
    TensorRt,
    /// NVIDIA CUDA, on the card's general units.
    Cuda,
    /// DirectX 12 GPUs on Windows.
    DirectMl,
    /// Apple's Neural Engine and GPU.
    CoreMl,
    /// Android's neural networks API.
    Nnapi,
    /// Qualcomm's NPU, through QNN.
    Qnn,
    /// Intel's CPU, GPU and NPU.
    OpenVino,
    /// Google's CPU kernels.
    Xnnpack,
    /// ONNX Runtime's own CPU kernels.
    Cpu,
}

impl Provider {
    /// All of them, in the order in which they are tried: graphics, neural, then processor.
    pub const ORDER: [Self; 9] = [
        Self::TensorRt,
        Self::Cuda,
        Self::DirectMl,
        Self::CoreMl,
        Self::Nnapi,
        Self::Qnn,
        Self::OpenVino,
        Self::Xnnpack,
        Self::Cpu,
    ];

    fn engine(self) -> &'static str {
        match self {
            Self::TensorRt => "onnxruntime/tensorrt",
            Self::Cuda => "onnxruntime/cuda",
            Self::DirectMl => "onnxruntime/directml",
            Self::CoreMl => "onnxruntime/coreml",
            Self::Nnapi => "onnxruntime/nnapi",
            Self::Qnn => "onnxruntime/qnn",
            Self::OpenVino => "onnxruntime/openvino",
            Self::Xnnpack => "onnxruntime/xnnpack",
            Self::Cpu => "onnxruntime/cpu",
        }
    }

    fn dispatch(self, threads: usize, half: bool) -> Option<ep::ExecutionProviderDispatch> {
        Some(match self {
            Self::TensorRt => ep::TensorRT::default().with_fp16(half).build(),
            // Its convolutions keep 32 bits but may round what they multiply to 10 bits of mantissa.
            Self::Cuda => ep::CUDA::default().with_tf32(half).build(),
            Self::DirectMl => ep::DirectML::default().build(),
            Self::CoreMl => ep::CoreML::default().with_low_precision_accumulation_on_gpu(half).build(),
            Self::Nnapi => ep::NNAPI::default().with_fp16(half).build(),
            Self::Qnn => ep::QNN::default().with_htp_fp16_precision(half).build(),
            Self::OpenVino => {
                // Without a number of threads it takes every core.
                let provider = ep::OpenVINO::default().with_num_threads(threads);
                // Its own choice is 16 bits on a GPU and 32 on a processor.
                if half { provider.build() } else { provider.with_precision("FP32").build() }
            }
            Self::Xnnpack => {
                let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
                ep::XNNPACK::default().with_intra_op_num_threads(threads).build()
            }
            Self::Cpu => return None,
        })
    }
}

/// ONNX Runtime with one execution provider.
#[derive(Clone)]
pub struct OnnxRuntime {
    environment: Environment,
    library: PathBuf,
    provider: Provider,
}

impl OnnxRuntime {
    /// Finds, checks and loads a library, with the provider [`Provider::Cpu`]. Once one is loaded, it is the only one
    /// for the rest of the process, and later calls return it. Networks share [`DEFAULT_ARENA_BYTES`].
    ///
    /// # Errors
    /// [`LibraryError`] with every place that was looked at and why it did not serve.
    pub fn open(search: &LibrarySearch) -> Result<Self, LibraryError> {
        Self::open_within(search, DEFAULT_ARENA_BYTES)
    }

    /// As [`OnnxRuntime::open`], with the memory that all networks of this process may take together while they run, in
    /// bytes. A batch that does not fit is halved; one request that does not fit alone gets
    /// [`Reason::OutOfMemory`](crate::Reason::OutOfMemory). The first call of a process decides.
    ///
    /// # Errors
    /// As [`OnnxRuntime::open`].
    pub fn open_within(search: &LibrarySearch, arena_bytes: usize) -> Result<Self, LibraryError> {
        let mut slot = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((environment, library)) = &*slot {
            return Ok(Self::new(environment, library));
        }
        let mut tried = Vec::new();
        for candidate in search.candidates() {
            let whole = candidate.check().map_err(OnnxError::from);
            match whole.and_then(|()| load(candidate.path(), arena_bytes)) {
                Ok(environment) => {
                    tracing::info!(library = %candidate.path().display(), "ONNX Runtime loaded");
                    let runtime = Self::new(&environment, candidate.path());
                    *slot = Some((environment, candidate.path().to_path_buf()));
                    return Ok(runtime);
                }
                Err(error) => tried.push(Tried::new(candidate.path(), &error)),
            }
        }
        Err(LibraryError::new(tried))
    }

    fn new(environment: &Environment, library: &Path) -> Self {
        Self { environment: environment.clone(), library: library.to_path_buf(), provider: Provider::Cpu }
    }

    /// The same library with another provider.
    #[must_use]
    pub fn with(&self, provider: Provider) -> Self {
        Self { provider, ..self.clone() }
    }

    /// The library's file.
    #[must_use]
    pub fn library(&self) -> &Path {
        &self.library
    }

    fn session(&self, model: &[u8], options: &LoadOptions) -> Result<OrtSession, OnnxError> {
        let threads = options.threads.clamp(1, 64) as usize;
        let mut builder = self.builder(threads, options.reduced_precision)?;
        builder.commit_from_memory(model).map_err(OnnxError::refused("reading the model"))
    }

    fn builder(&self, threads: usize, half: bool) -> Result<SessionBuilder, OnnxError> {
        const DOING: &str = "preparing the session";
        let text = OnnxError::refused(DOING);
        let builder = OrtSession::builder(&self.environment)
            .map_err(OnnxError::refused(DOING))?
            // Otherwise the runtime picks devices of its own accord.
            .with_auto_device(AutoDevicePolicy::PreferCPU)
            .map_err(&text)?
            .with_intra_threads(threads)
            .map_err(&text)?
            // Spinning threads would take a core from the till between two requests.
            .with_intra_op_spinning(false)
            .map_err(&text)?
            .with_env_allocators()
            .map_err(&text)?
            .with_config_entry("session.record_ep_graph_assignment_info", "1")
            .map_err(&text)?;
        match self.provider.dispatch(threads, half) {
            None => Ok(builder),
            Some(provider) => builder.with_execution_providers([provider.error_on_failure()]).map_err(text),
        }
    }
}

impl fmt::Debug for OnnxRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnnxRuntime")
            .field("library", &self.library)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

fn load(path: &Path, arena_bytes: usize) -> Result<Environment, OnnxError> {
    const DOING: &str = "loading the library";
    let load = || -> Result<Environment, OnnxError> {
        let environment = ort::init_from(path)
            .map_err(OnnxError::refused(DOING))?
            .with_telemetry(false)
            .build()
            .map_err(OnnxError::refused(DOING))?;
        // What matters comes back as an error; the rest is noise on the till's terminal.
        environment.set_log_level(ort::logging::LogLevel::Fatal);
        arena::register(&environment, arena_bytes)?;
        Ok(environment)
    };
    catch_unwind(AssertUnwindSafe(load)).unwrap_or(Err(OnnxError::Panicked { doing: DOING }))
}

impl Backend for OnnxRuntime {
    fn name(&self) -> &'static str {
        self.provider.engine()
    }

    fn load(&self, model: &VerifiedBytes, options: &LoadOptions) -> Result<Box<dyn Session>, EngineError> {
        let engine = self.name();
        let rejected = |reason: String| EngineError::Rejected { engine, reason };
        onnx_file::check(model.bytes()).map_err(|error| rejected(error.to_string()))?;
        let load = || self.session(model.bytes(), options);
        let session = catch_unwind(AssertUnwindSafe(load))
            .unwrap_or(Err(OnnxError::Panicked { doing: "loading the model" }))
            .map_err(|error| rejected(error.to_string()))?;
        let placement = assignment::placement(&session);
        if self.provider != Provider::Cpu && placement == Placement::Cpu {
            // A provider that took nothing is the processor under another name.
            return Err(rejected("the provider took none of the model's nodes".to_owned()));
        }
        let ports = |outlets: &[ort::value::Outlet]| outlets.iter().map(port).collect();
        Ok(Box::new(OnnxSession {
            inputs: ports(session.inputs()),
            outputs: ports(session.outputs()),
            session,
            placement,
        }))
    }
}

struct OnnxSession {
    session: OrtSession,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    placement: Placement,
}

impl Session for OnnxSession {
    fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn placement(&self) -> Placement {
        self.placement.clone()
    }

    fn run(
        &mut self,
        inputs: &[(&str, &Tensor)],
        outputs: &[&str],
        stop: &Stop,
    ) -> Result<Vec<Tensor>, RunError> {
        check_inputs(&self.inputs, inputs)?;
        let mut feeds: Vec<(String, SessionInputValue<'_>)> = Vec::with_capacity(inputs.len());
        for (name, tensor) in inputs {
            let shape = tensor.shape().to_vec();
            let value: SessionInputValue<'_> = match tensor.values() {
                Values::F32(values) => {
                    TensorRef::from_array_view((shape, &values[..])).map_err(failure)?.into()
                }
                Values::I64(values) => {
                    TensorRef::from_array_view((shape, &values[..])).map_err(failure)?.into()
                }
            };
            feeds.push(((*name).to_owned(), value));
        }
        if stop.is_due() {
            return Err(RunError::Stopped);
        }
        let options = Arc::new(RunOptions::new().map_err(failure)?);
        let interrupt = Arc::clone(&options);
        stop.on_ask(move || {
            let _ = interrupt.terminate();
        });
        let result = self.session.run_with_options(feeds, &options);
        stop.clear();
        // The runtime has no error code of its own for "told to stop": the clock decides, for a late answer too.
        if stop.is_due() {
            return Err(RunError::Stopped);
        }
        let found = result.map_err(failure)?;
        let output = |name: &&str| {
            let value = found.get(name).ok_or_else(|| RunError::NoSuchPort { port: (*name).to_owned() })?;
            tensor(value)
        };
        outputs.iter().map(output).collect()
    }
}

fn tensor(value: &ort::value::DynValue) -> Result<Tensor, RunError> {
    let wrong =
        |error: crate::tensor::ShapeError| RunError::Failed { engine: ENGINE, reason: error.to_string() };
    // The runtime's shapes are of signed numbers; a finished output has no open side.
    let sides =
        |shape: &[i64]| shape.iter().map(|side| usize::try_from(*side).unwrap_or(0)).collect::<Vec<_>>();
    if let Ok((shape, values)) = value.try_extract_tensor::<f32>() {
        return Tensor::f32(sides(shape), values.to_vec()).map_err(wrong);
    }
    let (shape, values) = value.try_extract_tensor::<i64>().map_err(failure)?;
    Tensor::i64(sides(shape), values.to_vec()).map_err(wrong)
}

fn failure(error: ort::Error) -> RunError {
    let reason = error.to_string();
    // The runtime has no code of its own for want of memory either; these are its three ways to say it.
    let memory = ["Failed to allocate memory", "smaller than requested bytes", "bad_alloc"];
    if memory.iter().any(|text| reason.contains(text)) {
        return RunError::OutOfMemory;
    }
    RunError::Failed { engine: ENGINE, reason }
}

fn port(outlet: &ort::value::Outlet) -> Port {
    let (shape, element) = match outlet.dtype() {
        ValueType::Tensor { ty, shape, .. } => {
            let element = match ty {
                TensorElementType::Float32 => Element::F32,
                TensorElementType::Int64 => Element::I64,
                _ => Element::Other,
            };
            (Some(shape.iter().map(|side| usize::try_from(*side).ok()).collect()), element)
        }
        _ => (None, Element::Other),
    };
    Port { name: outlet.name().to_owned(), shape, element }
}
