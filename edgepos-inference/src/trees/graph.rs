//! The operators around the trees: what converters put before and behind them, checked at loading.

use std::collections::BTreeMap;

use super::attribute::{Attributes, Constant, text};
use super::ensemble::{Ensemble, Kind};
use super::error::{EnsembleError, MAX_NODES};
use super::forest::Forest;
use super::opset5;
use super::scores::Scoring;
use super::step::{Arithmetic, Array, Element, Function, Operand, Step, Trees};
use crate::onnx_file;
use crate::wire::{Fields, Value, WireError};

/// Most operators of a graph, and most of its inputs, outputs and constants.
const MAX_OPERATORS: usize = 1024;

/// A model as a list of steps over numbered values; value 0 is the input.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) input: String,
    pub(super) steps: Vec<Step>,
    /// What each value is.
    pub(super) kinds: Vec<Array>,
    /// The outputs, with their values.
    pub(super) outputs: Vec<(String, usize)>,
}

/// One operator of the file.
struct Operator {
    name: String,
    inputs: Vec<String>,
    outputs: Vec<String>,
    attributes: Attributes,
}

impl Graph {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, EnsembleError> {
        let (mut operators, mut inputs, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
        let mut constants = BTreeMap::new();
        for field in Fields::of(onnx_file::graph(bytes)?) {
            let most = operators.len().max(inputs.len()).max(outputs.len()).max(constants.len());
            if most > MAX_OPERATORS {
                return Err(EnsembleError::Graph(format!(
                    "more than {MAX_OPERATORS} operators, ports or constants"
                )));
            }
            match field? {
                (1, value) => operators.push(value.bytes()?),
                (5, value) => {
                    let constant = Constant::of_graph(value.bytes()?)?;
                    constants.insert(constant.name, constant.values);
                }
                (11, value) => inputs.push(value.bytes()?),
                (12, value) => outputs.push(name_of(value.bytes()?)?),
                _ => {}
            }
        }
        // Old files list their constants among the inputs.
        let mut own = Vec::new();
        for input in inputs {
            let name = name_of(input)?;
            if !constants.contains_key(&name) {
                own.push((name, input));
            }
        }
        let [(input, info)] = &own[..] else {
            return Err(EnsembleError::Graph(format!("{} inputs, where one is read", own.len())));
        };
        let mut builder = Builder::new(input, array(info)?, constants);
        for (place, operator) in operators.into_iter().enumerate() {
            builder.add(place, &Operator::read(operator)?)?;
        }
        builder.finish(input.clone(), outputs)
    }
}

impl Operator {
    fn read(bytes: &[u8]) -> Result<Self, EnsembleError> {
        let mut operator =
            Self { name: String::new(), inputs: vec![], outputs: vec![], attributes: Attributes::default() };
        for field in Fields::of(bytes) {
            match field? {
                (1 | 2, _) if operator.inputs.len() + operator.outputs.len() > MAX_OPERATORS => {
                    return Err(EnsembleError::Graph(format!(
                        "an operator with more than {MAX_OPERATORS} ports"
                    )));
                }
                (1, value) => operator.inputs.push(text(value)?),
                (2, value) => operator.outputs.push(text(value)?),
                (4, value) => operator.name = text(value)?,
                (5, value) => operator.attributes.read(value.bytes()?)?,
                _ => {}
            }
        }
        Ok(operator)
    }
}

struct Builder {
    steps: Vec<Step>,
    kinds: Vec<Array>,
    places: BTreeMap<String, usize>,
    constants: BTreeMap<String, Vec<f64>>,
    nodes: usize,
    has_trees: bool,
}

impl Builder {
    fn new(input: &str, kind: Array, constants: BTreeMap<String, Vec<f64>>) -> Self {
        let places = BTreeMap::from([(input.to_owned(), 0)]);
        Self { steps: vec![], kinds: vec![kind], places, constants, nodes: 0, has_trees: false }
    }

    fn add(&mut self, place: usize, operator: &Operator) -> Result<(), EnsembleError> {
        let refuse =
            |problem: &str| EnsembleError::Graph(format!("operator {place}, {}: {problem}", operator.name));
        let done = match operator.name.as_str() {
            "TreeEnsembleClassifier" | "TreeEnsembleRegressor" | "TreeEnsemble" => {
                return self.add_trees(operator);
            }
            "Identity" | "ZipMap" => self.value(operator, 0).and_then(|from| self.rename(operator, from)),
            "Cast" => self.add_cast(operator),
            "Reshape" | "Flatten" => self.add_reshape(operator),
            "Mul" => self.add_arithmetic(operator, Arithmetic::Mul),
            "Div" => self.add_arithmetic(operator, Arithmetic::Div),
            "Add" | "Sum" => self.add_arithmetic(operator, Arithmetic::Add),
            "Sub" => self.add_arithmetic(operator, Arithmetic::Sub),
            "Exp" => self.add_function(operator, Function::Exp),
            "Sigmoid" => self.add_function(operator, Function::Sigmoid),
            "Constant" => {
                let values = operator.attributes.tensor("value").to_vec();
                operator.outputs.first().map(|name| drop(self.constants.insert(name.clone(), values)))
            }
            _ => return Err(refuse("is not read around trees")),
        };
        done.ok_or_else(|| refuse("cannot be read with these inputs and attributes"))
    }

    /// The value that an operator takes in this place.
    fn value(&self, operator: &Operator, place: usize) -> Option<usize> {
        self.places.get(operator.inputs.get(place)?).copied()
    }

    /// The operator's output is a value that is there already.
    fn rename(&mut self, operator: &Operator, value: usize) -> Option<()> {
        self.places.insert(operator.outputs.first()?.clone(), value);
        Some(())
    }

    fn define(&mut self, name: &str, kind: Array) -> usize {
        self.kinds.push(kind);
        self.places.insert(name.to_owned(), self.kinds.len() - 1);
        self.kinds.len() - 1
    }

    fn add_trees(&mut self, operator: &Operator) -> Result<(), EnsembleError> {
        let classifier = operator.name == "TreeEnsembleClassifier";
        let ensemble = match operator.name.as_str() {
            "TreeEnsemble" => opset5::read(&operator.attributes)?,
            _ => Ensemble::read(classifier, &operator.attributes)?,
        };
        self.nodes += ensemble.nodes.len();
        if self.nodes > MAX_NODES {
            return Err(EnsembleError::TooLarge);
        }
        let refuse = |problem: &str| EnsembleError::Graph(format!("{}: {problem}", operator.name));
        let input = self.value(operator, 0).filter(|_| operator.inputs.len() == 1);
        let input = input.ok_or_else(|| refuse("its input is not there"))?;
        let Array { element, width, flat } = self.kinds[input];
        if element == Element::Words || flat {
            return Err(refuse("its input is not rows of numbers"));
        }
        let (scoring, single) = Scoring::of(&ensemble)?;
        let kind = ensemble.kind.clone();
        let forest = Forest::build(ensemble, single)?;
        if width.is_some_and(|width| forest.features() > width) {
            return Err(EnsembleError::attribute("nodes_featureids", "a feature beyond the input"));
        }
        let mut names = operator.outputs.iter();
        let labels = if classifier { names.next() } else { None };
        let scores = names.next().ok_or_else(|| refuse("it has too few outputs"))?;
        let labels = labels.map(|name| {
            let element = if kind == Kind::Words { Element::Words } else { Element::I64 };
            self.define(name, Array { element, width: Some(1), flat: true })
        });
        let width = Some(scoring.width());
        let scores = self.define(scores, Array { element: Element::F32, width, flat: false });
        self.steps.push(Step::Trees(Box::new(Trees { input, forest, scoring, kind, labels, scores })));
        self.has_trees = true;
        Ok(())
    }

    fn add_cast(&mut self, operator: &Operator) -> Option<()> {
        let from = self.value(operator, 0)?;
        let kind = self.kinds[from];
        let element = match operator.attributes.int("to")? {
            1 => Element::F32,
            11 => Element::F64,
            6 | 7 => Element::I64,
            8 => Element::Words,
            _ => return None,
        };
        if element == kind.element {
            return self.rename(operator, from);
        }
        if [element, kind.element].contains(&Element::Words) {
            return None;
        }
        let to = self.define(operator.outputs.first()?, Array { element, ..kind });
        self.steps.push(Step::Cast { from, to });
        Some(())
    }

    /// Shapes that keep the rows, with as many values each.
    fn add_reshape(&mut self, operator: &Operator) -> Option<()> {
        let from = self.value(operator, 0)?;
        let kind = self.kinds[from];
        let width = kind.width?;
        let flat = if operator.name == "Flatten" {
            (operator.attributes.int("axis").unwrap_or(1) == 1).then_some(false)?
        } else {
            match self.constants.get(operator.inputs.get(1)?)?[..] {
                [-1.0] if width == 1 => true,
                [rows, columns] if rows == -1.0 && columns == width as f64 => false,
                [rows, columns] if rows == 0.0 && (columns == width as f64 || columns == -1.0) => false,
                _ => return None,
            }
        };
        if flat == kind.flat {
            return self.rename(operator, from);
        }
        let to = self.define(operator.outputs.first()?, Array { flat, ..kind });
        self.steps.push(Step::Cast { from, to });
        Some(())
    }

    /// All inputs have the same shape, or are constants with one value or one for each column.
    fn add_arithmetic(&mut self, operator: &Operator, arithmetic: Arithmetic) -> Option<()> {
        let first = (0..operator.inputs.len()).find_map(|place| self.value(operator, place))?;
        let kind = self.kinds[first];
        let width = kind.width.filter(|_| matches!(kind.element, Element::F32 | Element::F64))?;
        let mut operands = Vec::new();
        for (place, name) in operator.inputs.iter().enumerate() {
            operands.push(match self.value(operator, place) {
                Some(value) => Operand::Value((self.kinds[value] == kind).then_some(value)?),
                None => {
                    let values = self.constants.get(name)?;
                    (values.len() == 1 || values.len() == width).then_some(())?;
                    Operand::Constant(values.clone())
                }
            });
        }
        if let [Operand::Value(value), Operand::Constant(one)] = &operands[..]
            && matches!(arithmetic, Arithmetic::Mul | Arithmetic::Div)
            && one.iter().all(|value| *value == 1.0)
        {
            return self.rename(operator, *value);
        }
        let to = self.define(operator.outputs.first()?, kind);
        self.steps.push(Step::Arithmetic { arithmetic, operands, width, to });
        Some(())
    }

    fn add_function(&mut self, operator: &Operator, function: Function) -> Option<()> {
        let from = self.value(operator, 0)?;
        let kind = self.kinds[from];
        matches!(kind.element, Element::F32 | Element::F64).then_some(())?;
        let to = self.define(operator.outputs.first()?, kind);
        self.steps.push(Step::Function { function, from, to });
        Some(())
    }

    fn finish(self, input: String, outputs: Vec<String>) -> Result<Graph, EnsembleError> {
        if !self.has_trees {
            return Err(EnsembleError::Graph("no tree ensemble".to_owned()));
        }
        let find = |name: String| match self.places.get(&name) {
            Some(place) => Ok((name, *place)),
            None => Err(EnsembleError::Graph(format!("no operator makes the output {name}"))),
        };
        let outputs = outputs.into_iter().map(find).collect::<Result<_, _>>()?;
        Ok(Graph { input, steps: self.steps, kinds: self.kinds, outputs })
    }
}

fn name_of(value_info: &[u8]) -> Result<String, EnsembleError> {
    for field in Fields::of(value_info) {
        if let (1, value) = field? {
            return text(value);
        }
    }
    Ok(String::new())
}

/// What a ValueInfoProto says of the input. Doubles are taken for floats: what comes in is floats, and widening them changes
/// no comparison.
fn array(value_info: &[u8]) -> Result<Array, EnsembleError> {
    let tensor = inner(value_info, &[2, 1])?.unwrap_or_default();
    let (mut element, mut shape) = (0, None);
    for field in Fields::of(tensor) {
        match field? {
            (1, value) => element = value.int()?,
            (2, value) => shape = Some(value.bytes()?),
            _ => {}
        }
    }
    let element = match element {
        1 | 11 => Element::F32,
        6 | 7 => Element::I64,
        _ => return Err(EnsembleError::Graph("the input is no tensor of numbers".to_owned())),
    };
    let mut width = None;
    for dimension in Fields::of(shape.unwrap_or_default()) {
        width = None;
        for field in Fields::of(dimension?.1.bytes()?) {
            if let (1, value) = field? {
                width = usize::try_from(value.int()?).ok().filter(|length| *length > 0);
            }
        }
    }
    Ok(Array { element, width, flat: false })
}

/// The message at the end of a path of field numbers.
fn inner<'a>(message: &'a [u8], path: &[u32]) -> Result<Option<&'a [u8]>, WireError> {
    path.iter().try_fold(Some(message), |message, number| {
        for field in Fields::of(message.unwrap_or_default()) {
            if let (found, Value::Bytes(inner)) = field?
                && found == *number
            {
                return Ok(Some(inner));
            }
        }
        Ok(None)
    })
}
