//! Rows on their way into the table: held until they are published, then written, as often as it takes.

use std::collections::BTreeMap;

use tokio::time::sleep;

use super::Postgres;
use super::session::{EpochKey, Plan, Session, WriteError};
use super::trouble::Trouble;
use crate::id::new_id;
use crate::link::{End, Link};
use crate::record::{BatchTime, Partition};
use crate::sink::table::Target;
use crate::sink::waiting::Waiting;
use crate::sink::{Opening, SinkError, Writer};

/// The sink while it runs.
pub(super) struct PostgresWriter {
    waiting: Waiting,
    server: Server,
    /// Whether batches come again after a crash.
    has_checkpoint: bool,
    staged: BTreeMap<BatchTime, Partition>,
}

/// The server, as far as it is there.
struct Server {
    plan: Plan,
    link: Link,
    session: Option<Session>,
}

impl PostgresWriter {
    /// Tries to connect, to find what is wrong. A server that is away is waited for by the first batch.
    pub(super) fn open(options: &Postgres, target: Target, opening: &Opening) -> Result<Self, SinkError> {
        let database = options.connection.to_string();
        let link = Link::new(End::Sink, &opening.name, &database);
        let plan = Plan {
            config: options.connection.config(&format!("tidemill {}", opening.pipeline)),
            database: database.clone(),
            target,
            create: options.create,
            epoch: EpochKey {
                pipeline: opening.pipeline.clone(),
                sink: opening.name.clone(),
                checkpoint: opening.checkpoint.clone().unwrap_or_else(new_id),
            },
        };
        let mut opened = Self {
            waiting: Waiting::new(opening.stop.clone(), database)?,
            server: Server { plan, link, session: None },
            has_checkpoint: opening.checkpoint.is_some(),
            staged: BTreeMap::new(),
        };
        let server = &mut opened.server;
        opened.waiting.run(async {
            match server.session().await {
                Err(Trouble::Lasting(error)) => Err(error),
                Err(Trouble::Away(reason)) => {
                    server.link.refused(&reason);
                    Ok(())
                }
                Ok(_) => Ok(()),
            }
        })?;
        Ok(opened)
    }
}

impl Server {
    /// The session, which is begun where there is none.
    async fn session(&mut self) -> Result<&mut Session, Trouble> {
        let session = match self.session.take() {
            Some(session) => session,
            None => {
                let session = self.plan.connect().await?;
                self.link.connected();
                session
            }
        };
        Ok(self.session.insert(session))
    }

    /// Waits after `trouble`, where that is of use.
    async fn wait(&mut self, trouble: Trouble) -> Result<(), SinkError> {
        let reason = match trouble {
            Trouble::Away(reason) => reason,
            Trouble::Lasting(error) => return Err(error),
        };
        match self.session.take() {
            Some(_) => self.link.lost(&reason),
            None => self.link.refused(&reason),
        }
        sleep(self.link.next_pause()).await;
        Ok(())
    }

    async fn write(&mut self, time: BatchTime, rows: &Partition) -> Result<(), SinkError> {
        while let Err(trouble) = self.try_write(time, rows).await {
            self.wait(trouble).await?;
        }
        self.link.served();
        Ok(())
    }

    async fn try_write(&mut self, time: BatchTime, rows: &Partition) -> Result<(), Trouble> {
        self.session().await?;
        let Some(session) = &mut self.session else { return Ok(()) };
        let written = session.write(&self.plan.epoch, time, rows).await;
        let database = &self.plan.database;
        written.map_err(|error| match error {
            WriteError::Server(error) => Trouble::new("write to", database, &error),
            WriteError::Rows(error) => Trouble::Lasting(error.into()),
            WriteError::Io(error) => Trouble::Lasting(SinkError::Database {
                action: "write to",
                database: format!("the database {database}"),
                problem: error.to_string(),
            }),
        })
    }

    async fn last(&mut self) -> Result<Option<i64>, SinkError> {
        loop {
            match self.try_last().await {
                Ok(last) => return Ok(last),
                Err(trouble) => self.wait(trouble).await?,
            }
        }
    }

    async fn try_last(&mut self) -> Result<Option<i64>, Trouble> {
        self.session().await?;
        let Some(session) = &self.session else { return Ok(None) };
        let last = session.last(&self.plan.epoch).await;
        last.map_err(|error| Trouble::new("read", &self.plan.database, &error))
    }
}

impl Writer for PostgresWriter {
    fn stage(&mut self, time: BatchTime, partitions: &[Partition]) -> Result<(), SinkError> {
        let rows = self.server.plan.target.rows(time, partitions)?;
        if !rows.is_empty() {
            self.staged.insert(time, rows);
        }
        Ok(())
    }

    fn publish(&mut self, time: BatchTime) -> Result<(), SinkError> {
        if let Some(rows) = self.staged.get(&time) {
            self.waiting.run(self.server.write(time, rows))?;
            self.staged.remove(&time);
        }
        Ok(())
    }

    fn is_published(&mut self, time: BatchTime) -> Result<bool, SinkError> {
        if !self.has_checkpoint {
            return Ok(false);
        }
        let last = self.waiting.run(self.server.last())?;
        Ok(last.is_some_and(|last| last >= time.millis()))
    }

    fn close(&mut self) -> Result<(), SinkError> {
        let Some(session) = self.server.session.take() else { return Ok(()) };
        let (epoch, has_checkpoint) = (&self.server.plan.epoch, self.has_checkpoint);
        self.waiting.run(async {
            if !has_checkpoint && let Err(error) = session.forget(epoch).await {
                tracing::debug!(%error, "the row of this run stays in the table of epochs");
            }
            session.close().await;
            Ok(())
        })
    }
}
