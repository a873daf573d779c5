//! What this crate adds to a bare call of the C API: checks, the stop, fresh outputs as plain vectors.
#![allow(unsafe_code, reason = "the peer is the C API itself")]

use std::ffi::{CString, c_char, c_void};
use std::ptr;
use std::time::Duration;

use edgepos_inference::{Backend, OnnxRuntime, Task, Tensor};
use ort::sys::{
    ONNXTensorElementDataType, OrtAllocatorType, OrtEnv, OrtLoggingLevel, OrtMemType, OrtSession,
    OrtSessionOptions, OrtStatusPtr, OrtValue,
};

use super::{Contender, Model, compare, library, shipped, timed};

pub(super) fn overhead() {
    let Some(search) = library() else { return };
    let runtime = OnnxRuntime::open(&search).expect("a library that was fetched");
    for (task, rounds, calls) in [(Task::PRODUCT, 150, 1), (Task::VOICE, 300, 1), (Task::FRAUD, 300, 50)] {
        let model = shipped(task);
        let tensor = model.tensor();
        let mut bare = Bare::new(&runtime, &model, &tensor);
        let mut session = model.load(&runtime);
        let per_call = |took: Duration| took / calls;
        let contenders: Vec<Contender<'_>> = vec![
            ("bare C API".to_owned(), Box::new(|| per_call(timed(|| (0..calls).for_each(|_| bare.run()))))),
            (
                "edgepos-inference".to_owned(),
                Box::new(|| {
                    per_call(timed(|| (0..calls).for_each(|_| model.run(session.as_mut(), &tensor))))
                }),
            ),
        ];
        compare(&format!("{}, over the C API", model.name), rounds, contenders);
    }
}

/// A session and an input, made and run by the C API and nothing else.
struct Bare {
    session: *mut OrtSession,
    values: Vec<f32>,
    shape: Vec<i64>,
    input: CString,
    output: CString,
}

fn check(status: OrtStatusPtr) {
    assert!(status.0.is_null(), "the C API failed");
}

impl Bare {
    fn new(runtime: &OnnxRuntime, model: &Model, tensor: &Tensor) -> Self {
        assert_eq!(runtime.name(), "onnxruntime/cpu");
        let api = ort::api();
        let bytes = model.bytes.bytes();
        let mut environment: *mut OrtEnv = ptr::null_mut();
        let mut options: *mut OrtSessionOptions = ptr::null_mut();
        let mut session: *mut OrtSession = ptr::null_mut();
        let entries = [(c"session.intra_op.allow_spinning", c"0"), (c"session.use_env_allocators", c"1")];
        // SAFETY: targets are valid, strings end with a zero byte, and the length is that of the bytes. The runtime has one
        // environment for each process, which the first call made and this one shares; it and the session live as long as
        // the process.
        unsafe {
            check((api.CreateEnv)(
                OrtLoggingLevel::ORT_LOGGING_LEVEL_FATAL,
                c"bare".as_ptr(),
                &mut environment,
            ));
            check((api.CreateSessionOptions)(&mut options));
            check((api.SetIntraOpNumThreads)(options, 1));
            for (key, value) in entries {
                check((api.AddSessionConfigEntry)(options, key.as_ptr(), value.as_ptr()));
            }
            let start = bytes.as_ptr().cast::<c_void>();
            check((api.CreateSessionFromArray)(environment, start, bytes.len(), options, &mut session));
            (api.ReleaseSessionOptions)(options);
        }
        Self {
            session,
            values: tensor.as_f32().expect("floats").to_vec(),
            shape: tensor.shape().iter().map(|side| *side as i64).collect(),
            input: CString::new(model.input.0).expect("a name"),
            output: CString::new(model.output).expect("a name"),
        }
    }

    /// What a C program does for each request: wrap its buffer, run, look at the output, release.
    fn run(&mut self) {
        let api = ort::api();
        let mut info = ptr::null_mut();
        let mut input: *mut OrtValue = ptr::null_mut();
        let mut output: *mut OrtValue = ptr::null_mut();
        // SAFETY: every pointer is to something alive in this function or in `self`, lengths are those of the vectors,
        // and what the API hands out is released once, below.
        unsafe {
            check((api.CreateCpuMemoryInfo)(
                OrtAllocatorType::OrtDeviceAllocator,
                OrtMemType::OrtMemTypeDefault,
                &mut info,
            ));
            check((api.CreateTensorWithDataAsOrtValue)(
                info,
                self.values.as_mut_ptr().cast::<c_void>(),
                self.values.len() * size_of::<f32>(),
                self.shape.as_ptr(),
                self.shape.len(),
                ONNXTensorElementDataType::ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
                &mut input,
            ));
            let (names, outputs): ([*const c_char; 1], [*const c_char; 1]) =
                ([self.input.as_ptr()], [self.output.as_ptr()]);
            let inputs = [input.cast_const()];
            check((api.Run)(
                self.session,
                ptr::null(),
                names.as_ptr(),
                inputs.as_ptr(),
                1,
                outputs.as_ptr(),
                1,
                &mut output,
            ));
            let mut data: *mut c_void = ptr::null_mut();
            check((api.GetTensorMutableData)(output, &mut data));
            std::hint::black_box(*data.cast::<f32>());
            (api.ReleaseValue)(output);
            (api.ReleaseValue)(input);
            (api.ReleaseMemoryInfo)(info);
        }
    }
}
