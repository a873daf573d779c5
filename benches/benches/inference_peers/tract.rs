//! tract, the other engine in pure Rust, with the shape fixed: with an open batch it is several times slower.

use edgepos_inference::Tensor;
use tract_onnx::prelude::*;

use super::Model;

type Run = Box<dyn FnMut(&Tensor)>;

/// The model, ready to run.
pub(super) fn load(model: &Model) -> Result<Run, TractError> {
    let shape = model.input.1.clone();
    let plan = tract_onnx::onnx()
        .with_ignore_value_info(true)
        .with_ignore_output_shapes(true)
        .model_for_read(&mut model.bytes.bytes())
        .and_then(|graph| graph.with_input_fact(0, f32::fact(&shape[..]).into()))
        .and_then(|graph| graph.into_optimized())
        .and_then(|graph| graph.into_runnable())?;
    Ok(Box::new(move |tensor: &Tensor| {
        let values = tensor.as_f32().expect("floats");
        let input =
            tract_onnx::prelude::Tensor::from_shape(&shape, values).expect("as many as the shape holds");
        std::hint::black_box(plan.run(tvec!(input.into())).expect("a run"));
    }))
}
