//! Rows as bytes, and back: a stream of Arrow IPC.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::schema::describe;

/// Blocks with schema `schema` as bytes, after what `bytes` holds already.
pub fn encode_rows<'a>(
    schema: &SchemaRef,
    blocks: impl IntoIterator<Item = &'a RecordBatch>,
    bytes: Vec<u8>,
) -> Result<Vec<u8>, ArrowError> {
    let mut writer = StreamWriter::try_new(bytes, schema)?;
    blocks.into_iter().try_for_each(|block| writer.write(block))?;
    writer.finish()?;
    writer.into_inner()
}

/// The blocks that `bytes` are made of, with schema `schema` where one is given.
pub fn decode_rows(schema: Option<&SchemaRef>, bytes: &[u8]) -> Result<Vec<RecordBatch>, ArrowError> {
    let reader = StreamReader::try_new(bytes, None)?;
    let found = reader.schema();
    match schema.filter(|schema| schema.fields() != found.fields()) {
        Some(schema) => Err(ArrowError::SchemaError(format!(
            "the columns are ({}), and should be ({})",
            describe(&found),
            describe(schema)
        ))),
        None => reader.collect(),
    }
}
