//! The table as it is in the database: made where that is asked for, and looked at.

use tokio_postgres::{Client, Error};

use crate::sink::fit::{Case, Table, TableColumn};
use crate::sink::sql::quoted_name;

/// The table `name`, which may have its schema before a dot, in SQL.
pub(super) fn quoted_table(name: &str) -> String {
    name.split('.').map(quoted_name).collect::<Vec<_>>().join(".")
}

/// Makes the table `table`, in SQL, by the statement `create`, unless it is there. Whoever may not make tables can use
/// one that is there.
pub(super) async fn create_if_missing(client: &mut Client, table: &str, create: &str) -> Result<(), Error> {
    if exists(client, table).await? {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    // Of several that make it at once the later ones would fail.
    let turn = "SELECT pg_advisory_xact_lock(hashtext('tidemill'))";
    transaction.batch_execute(turn).await?;
    transaction.batch_execute(create).await?;
    transaction.commit().await
}

async fn exists(client: &Client, table: &str) -> Result<bool, Error> {
    let found = client.query_one("SELECT to_regclass($1::text) IS NOT NULL", &[&table]).await?;
    found.try_get(0)
}

const COLUMNS: &str = "
    SELECT attname::text, format_type(atttypid, atttypmod), attnotnull, atthasdef OR attidentity <> '',
        attgenerated <> '' OR attidentity = 'a'
    FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum";

const KEYS: &str = "
    SELECT array_agg(a.attname::text)
    FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid
        AND a.attnum = ANY ((string_to_array(i.indkey::text, ' ')::int2[])[1:i.indnkeyatts])
    WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indimmediate
        AND i.indpred IS NULL AND i.indexprs IS NULL
    GROUP BY i.indexrelid";

/// Reads what the database says of the table `table`, in SQL; none where there is none.
pub(super) async fn read(client: &Client, table: &str) -> Result<Option<Table>, Error> {
    let find = "SELECT oid, relkind IN ('r', 'p') FROM pg_class WHERE oid = to_regclass($1::text)";
    let Some(found) = client.query_opt(find, &[&table]).await? else { return Ok(None) };
    let oid: u32 = found.try_get(0)?;
    let mut columns = Vec::new();
    for row in client.query(COLUMNS, &[&oid]).await? {
        columns.push(TableColumn {
            name: row.try_get(0)?,
            sql_type: row.try_get(1)?,
            is_required: row.try_get(2)?,
            has_default: row.try_get(3)?,
            is_generated: row.try_get(4)?,
        });
    }
    let keys = client.query(KEYS, &[&oid]).await?;
    let keys = keys.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    Ok(Some(Table { is_table: found.try_get(1)?, columns, keys, case: Case::Matters }))
}
