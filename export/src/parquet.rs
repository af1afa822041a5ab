//! Tables of spans, a row each: <https://parquet.apache.org/docs/file-format/>.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use rota::spans::{ExportError, Exporter, Moment, Origin, Span};
use rota::{completion_status_name, fault, fault_name};

use crate::{disk_error, hex, lasting};

/// Rows of a group, which wait in memory until they are so many.
const GROUP: usize = 1 << 16;

/// Ids are text, as other tools show them. Times are nanoseconds since 1970 in UTC; NULL is what isn't known.
const SCHEMA: &str = "
message span {
    REQUIRED BYTE_ARRAY trace_id (STRING);
    REQUIRED BYTE_ARRAY span_id (STRING);
    OPTIONAL BYTE_ARRAY parent_id (STRING);
    REQUIRED BYTE_ARRAY tenant (STRING);
    REQUIRED INT64 tenant_id (INTEGER(64, false));
    REQUIRED BYTE_ARRAY module (STRING);
    REQUIRED BYTE_ARRAY handler (STRING);
    REQUIRED INT64 ticket (INTEGER(64, false));
    REQUIRED INT64 user_data (INTEGER(64, false));
    REQUIRED INT32 status (INTEGER(32, false));
    REQUIRED BYTE_ARRAY status_name (STRING);
    REQUIRED INT32 fault (INTEGER(32, false));
    OPTIONAL BYTE_ARRAY fault_name (STRING);
    REQUIRED INT32 tiles (INTEGER(32, false));
    REQUIRED INT32 fuel (INTEGER(32, false));
    REQUIRED INT64 submitted (TIMESTAMP(NANOS, true));
    OPTIONAL INT64 claimed_earliest (TIMESTAMP(NANOS, true));
    OPTIONAL INT64 claimed_latest (TIMESTAMP(NANOS, true));
    OPTIONAL INT64 finished_earliest (TIMESTAMP(NANOS, true));
    OPTIONAL INT64 finished_latest (TIMESTAMP(NANOS, true));
    REQUIRED INT64 taken (TIMESTAMP(NANOS, true));
    REQUIRED INT64 begin_epoch (INTEGER(64, false));
    REQUIRED INT64 end_epoch (INTEGER(64, false));
}";

/// Writes a table. The file has its name only when it is whole.
pub struct Parquet {
    path: PathBuf,
    /// What it is called until then.
    partial: PathBuf,
    /// Until it is whole.
    writer: Option<SerializedFileWriter<File>>,
    rows: Vec<Span>,
}

impl Parquet {
    /// Takes the place of a file that is there already, when it is whole.
    pub fn create(path: &Path) -> Result<Self, ExportError> {
        let Some(name) = path.file_name() else {
            return Err(lasting(format!("{} is no name of a file", path.display())));
        };
        let mut partial = std::ffi::OsString::from(".");
        partial.push(name);
        partial.push(format!(".{}.part", std::process::id()));
        let partial = path.with_file_name(partial);
        let file = File::create(&partial).map_err(|e| disk_error("create", path, e))?;
        let schema = parse_message_type(SCHEMA).map_err(|e| disk_error("create", path, e))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(format!("Rota {}", rota::VERSION))
            .build();
        let writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))
            .map_err(|e| disk_error("write", path, e))?;
        Ok(Self {
            path: path.into(),
            partial,
            writer: Some(writer),
            rows: Vec::new(),
        })
    }

    fn group(&mut self) -> Result<(), ExportError> {
        let Some(writer) = &mut self.writer else {
            return Err(lasting(format!(
                "{} is written already",
                self.path.display()
            )));
        };
        let written = writer
            .next_row_group()
            .and_then(|group| write_group(group, &self.rows));
        self.rows.clear();
        written.map_err(|e| disk_error("write", &self.path, e))
    }
}

impl Exporter for Parquet {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn begin(&mut self, origin: &Origin) -> Result<(), ExportError> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        for (key, value) in [
            ("rota.version", origin.version),
            ("rota.device", &origin.device),
            ("rota.driver", &origin.driver),
            ("rota.mode", origin.mode),
        ] {
            if !value.is_empty() {
                writer.append_key_value_metadata(KeyValue::new(key.into(), value.to_string()));
            }
        }
        Ok(())
    }

    fn export(&mut self, spans: &[Span], _deadline: Instant) -> Result<(), ExportError> {
        let mut left = spans;
        while !left.is_empty() {
            let (now, later) = left.split_at(left.len().min(GROUP - self.rows.len()));
            self.rows.extend_from_slice(now);
            left = later;
            if self.rows.len() == GROUP {
                self.group()?;
            }
        }
        Ok(())
    }

    fn end(&mut self, _deadline: Instant) -> Result<(), ExportError> {
        if !self.rows.is_empty() {
            self.group()?;
        }
        let Some(mut writer) = self.writer.take() else {
            return Ok(());
        };
        let path = &self.path;
        writer.finish().map_err(|e| disk_error("write", path, e))?;
        // Before it has its name: a machine that stops now must not leave a name without what it names.
        writer
            .inner()
            .sync_all()
            .map_err(|e| disk_error("write", path, e))?;
        std::fs::rename(&self.partial, path).map_err(|e| disk_error("create", path, e))?;
        // Nothing is left to be removed.
        self.partial = PathBuf::new();
        Ok(())
    }
}

impl Drop for Parquet {
    fn drop(&mut self) {
        if !self.partial.as_os_str().is_empty() {
            let _ = std::fs::remove_file(&self.partial);
        }
    }
}

/// Columns in the order of the schema.
struct Columns<'a, 'b> {
    group: SerializedRowGroupWriter<'a, File>,
    rows: &'b [Span],
}

impl Columns<'_, '_> {
    fn write<T: DataType>(
        &mut self,
        values: &[T::T],
        levels: Option<&[i16]>,
    ) -> Result<(), ParquetError> {
        let Some(mut column) = self.group.next_column()? else {
            return Err(ParquetError::General("the schema has fewer columns".into()));
        };
        column.typed::<T>().write_batch(values, levels, None)?;
        column.close()
    }

    fn required<T: DataType>(&mut self, value: impl Fn(&Span) -> T::T) -> Result<(), ParquetError> {
        let values: Vec<_> = self.rows.iter().map(value).collect();
        self.write::<T>(&values, None)
    }

    fn optional<T: DataType>(
        &mut self,
        value: impl Fn(&Span) -> Option<T::T>,
    ) -> Result<(), ParquetError> {
        let mut values = Vec::new();
        let mut levels = Vec::with_capacity(self.rows.len());
        for row in self.rows {
            let value = value(row);
            levels.push(i16::from(value.is_some()));
            values.extend(value);
        }
        self.write::<T>(&values, Some(&levels))
    }

    fn text(&mut self, value: impl Fn(&Span) -> &str) -> Result<(), ParquetError> {
        self.required::<ByteArrayType>(|span| value(span).into())
    }

    /// Without a sign.
    fn long(&mut self, value: impl Fn(&Span) -> u64) -> Result<(), ParquetError> {
        self.required::<Int64Type>(|span| value(span) as i64)
    }

    /// Without a sign.
    fn short(&mut self, value: impl Fn(&Span) -> u32) -> Result<(), ParquetError> {
        self.required::<Int32Type>(|span| value(span) as i32)
    }

    fn time(&mut self, value: impl Fn(&Span) -> u64) -> Result<(), ParquetError> {
        self.required::<Int64Type>(|span| time(value(span)))
    }

    fn moment(&mut self, value: impl Fn(&Span) -> Option<Moment>) -> Result<(), ParquetError> {
        self.optional::<Int64Type>(|span| Some(time(value(span)?.earliest)))?;
        self.optional::<Int64Type>(|span| Some(time(value(span)?.latest)))
    }
}

fn write_group(
    group: SerializedRowGroupWriter<'_, File>,
    rows: &[Span],
) -> Result<(), ParquetError> {
    let id = |bytes: &[u8]| ByteArray::from(hex(bytes).into_bytes());
    let mut columns = Columns { group, rows };
    columns.required::<ByteArrayType>(|span| id(&span.trace_id))?;
    columns.required::<ByteArrayType>(|span| id(&span.span_id))?;
    columns.optional::<ByteArrayType>(|span| Some(id(&span.parent_id?)))?;
    columns.text(|span| &span.tenant)?;
    columns.long(|span| span.tenant_id)?;
    columns.text(|span| &span.module)?;
    columns.text(|span| &span.handler)?;
    columns.long(|span| span.ticket)?;
    columns.long(|span| span.user_data)?;
    columns.short(|span| span.status)?;
    columns.text(|span| completion_status_name(span.status))?;
    columns.short(|span| span.fault)?;
    columns.optional::<ByteArrayType>(|span| match span.fault {
        fault::NONE => None,
        code => Some(fault_name(code).into()),
    })?;
    columns.short(|span| span.tiles)?;
    columns.short(|span| span.fuel)?;
    columns.time(|span| span.submitted)?;
    columns.moment(|span| span.claimed)?;
    columns.moment(|span| span.finished)?;
    columns.time(|span| span.taken)?;
    columns.long(|span| span.begin_epoch)?;
    columns.long(|span| span.end_epoch)?;
    columns.group.close()?;
    Ok(())
}

/// Times have a sign there, which lasts to the year 2262.
fn time(ns: u64) -> i64 {
    ns.try_into().unwrap_or(i64::MAX)
}
