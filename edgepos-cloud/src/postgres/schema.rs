//! The tables, and how they come to be what this version needs.

use deadpool_postgres::Object;

use super::fault::sql_error;
use crate::ingest::IngestError;

/// The version of the tables that this program makes and uses.
const VERSION: i32 = 1;
/// Whom two programs wait for that bring the tables up to date at once: a number of ours among PostgreSQL's advisory locks.
const LOCK: i64 = 0x6564_6765_706f_7301;
/// More partitions than that are more files than a server likes to open.
const MAX_PARTITIONS: u32 = 1_024;

const TABLES: [(&str, &str); 3] = [
    ("edgepos_store", "epoch bigint NOT NULL, batches bigint NOT NULL, state bytea NOT NULL, PRIMARY KEY (store_id)"),
    ("edgepos_batch", "no bigint NOT NULL, body bytea NOT NULL, PRIMARY KEY (store_id, no)"),
    (
        "edgepos_run",
        "chain bytea NOT NULL, last bigint NOT NULL, first bigint NOT NULL, no bigint NOT NULL, head bytea NOT NULL,
         PRIMARY KEY (store_id, chain, last)",
    ),
];

/// Makes the tables where there are none.
pub(super) async fn migrate(client: &mut Object, partitions: u32) -> Result<(), IngestError> {
    let transaction = client.transaction().await.map_err(sql_error)?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(sql_error)?;
    transaction
        .batch_execute("CREATE TABLE IF NOT EXISTS edgepos_schema (version integer PRIMARY KEY)")
        .await
        .map_err(sql_error)?;
    let row = transaction
        .query_one("SELECT coalesce(max(version), 0) FROM edgepos_schema", &[])
        .await
        .map_err(sql_error)?;
    let found: i32 = row.try_get(0).map_err(sql_error)?;
    if found > VERSION {
        let later = format!("the tables are of version {found}, and this program knows {VERSION}");
        return Err(IngestError::Database(later.into()));
    }
    if found == VERSION {
        return Ok(());
    }
    transaction.batch_execute(&first_version(partitions.min(MAX_PARTITIONS))).await.map_err(sql_error)?;
    transaction.execute("INSERT INTO edgepos_schema VALUES ($1)", &[&VERSION]).await.map_err(sql_error)?;
    transaction.commit().await.map_err(sql_error)
}

/// What a batch carries is compressed already, and a store's row changes with each batch: its page keeps room for the next version of
/// it, so that no index is touched.
fn first_version(partitions: u32) -> String {
    let mut script = String::new();
    for (table, columns) in TABLES {
        let settings = if table == "edgepos_store" { " WITH (fillfactor = 50)" } else { "" };
        let create = format!("CREATE TABLE {table} (store_id bytea NOT NULL, {columns})");
        if partitions == 0 {
            script += &format!("{create}{settings};\n");
        } else {
            script += &format!("{create} PARTITION BY HASH (store_id);\n");
        }
        for part in 0..partitions {
            script += &format!(
                "CREATE TABLE {table}_{part} PARTITION OF {table}
                 FOR VALUES WITH (MODULUS {partitions}, REMAINDER {part}){settings};\n"
            );
        }
    }
    script + "ALTER TABLE edgepos_batch ALTER COLUMN body SET STORAGE EXTERNAL;\n"
}
