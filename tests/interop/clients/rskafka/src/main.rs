//! rskafka. usage: driver BOOTSTRAP; ../../README.md says what a driver reads and prints.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::io::{BufRead, BufWriter, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::DateTime;
use rskafka::client::error::{Error as KafkaError, ProtocolError};
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::{Record, RecordAndOffset};
use serde::{Deserialize, Serialize};
use serde_json::json;

const BATCH: usize = 1000; // records of one call, which become one batch
const FETCH_BYTES: i32 = 8 << 20;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[derive(Deserialize)]
struct Command {
    r#do: String,
    topic: String,
    partition: i32,
    #[serde(default)]
    codec: String,
    #[serde(default)]
    records: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    at: i64,
    #[serde(default)]
    count: usize,
    #[serde(default)]
    out: String,
    #[serde(default)]
    seconds: u64,
}

#[derive(Deserialize, Serialize)]
struct Line {
    #[serde(default)]
    offset: i64,
    timestamp: i64,
    key: Option<String>,
    value: Option<String>,
    headers: Vec<(String, String)>,
}

struct Driver {
    client: Client,
    partitions: HashMap<(String, i32), Arc<PartitionClient>>,
}

fn bytes(text: Option<String>) -> Outcome<Option<Vec<u8>>> {
    Ok(text.map(hex::decode).transpose()?)
}

fn record_of(line: &str) -> Outcome<Record> {
    let line: Line = serde_json::from_str(line)?;
    let mut headers = BTreeMap::new();
    for (name, value) in line.headers {
        headers.insert(name, hex::decode(value)?);
    }
    Ok(Record {
        key: bytes(line.key)?,
        value: bytes(line.value)?,
        headers,
        timestamp: DateTime::from_timestamp_millis(line.timestamp).ok_or("a time that chrono does not have")?,
    })
}

fn line_of(read: RecordAndOffset) -> Line {
    Line {
        offset: read.offset,
        timestamp: read.record.timestamp.timestamp_millis(),
        key: read.record.key.map(hex::encode),
        value: read.record.value.map(hex::encode),
        headers: read.record.headers.into_iter().map(|(name, value)| (name, hex::encode(value))).collect(),
    }
}

fn version() -> &'static str {
    let pinned = include_str!("../Cargo.toml").lines().find_map(|line| line.strip_prefix("rskafka = \"="));
    pinned.map_or("of no known version", |rest| rest.trim_end_matches('"'))
}

fn compression(codec: &str) -> Outcome<Compression> {
    Ok(match codec {
        "none" => Compression::NoCompression,
        "gzip" => Compression::Gzip,
        "snappy" => Compression::Snappy,
        "lz4" => Compression::Lz4,
        "zstd" => Compression::Zstd,
        _ => return Err(format!("no codec {codec}").into()),
    })
}

fn is_out_of_range(error: &KafkaError) -> bool {
    matches!(error, KafkaError::ServerError { protocol_error: ProtocolError::OffsetOutOfRange, .. })
}

impl Driver {
    async fn partition(&mut self, command: &Command) -> Outcome<Arc<PartitionClient>> {
        let name = (command.topic.clone(), command.partition);
        if let Some(known) = self.partitions.get(&name) {
            return Ok(known.clone());
        }
        let made = self.client.partition_client(&command.topic, command.partition, UnknownTopicHandling::Retry).await?;
        Ok(self.partitions.entry(name).or_insert(Arc::new(made)).clone())
    }

    async fn produce(&mut self, command: &Command) -> Outcome<()> {
        let partition = self.partition(command).await?;
        let text = std::fs::read_to_string(&command.records)?;
        let records = text.lines().map(record_of).collect::<Outcome<Vec<_>>>()?;
        let mut offsets = Vec::new();
        for batch in records.chunks(BATCH) {
            offsets.extend(partition.produce(batch.to_vec(), compression(&command.codec)?).await?);
        }
        println!("{}", json!({ "offsets": offsets }));
        Ok(())
    }

    async fn consume(&mut self, command: &Command) -> Outcome<()> {
        let partition = self.partition(command).await?;
        let mut position = match command.from.as_str() {
            "offset" => command.at,
            "beginning" => partition.get_offset(OffsetAt::Earliest).await?,
            "end" => partition.get_offset(OffsetAt::Latest).await?,
            _ => {
                let time = DateTime::from_timestamp_millis(command.at).ok_or("a time that chrono does not have")?;
                match partition.get_offset(OffsetAt::Timestamp(time)).await? {
                    -1 => partition.get_offset(OffsetAt::Latest).await?, // nothing is as late
                    found => found,
                }
            }
        };
        println!("{}", json!({ "position": position }));
        let mut out = BufWriter::new(std::fs::File::create(&command.out)?);
        let deadline = Instant::now() + Duration::from_secs(command.seconds);
        let mut read = 0;
        while read < command.count {
            if Instant::now() > deadline {
                return Err(format!("{read} of {} records came", command.count).into());
            }
            let records = match partition.fetch_records(position, 1..FETCH_BYTES, 200).await {
                Ok((records, _)) => records,
                Err(error) if is_out_of_range(&error) => {
                    position = partition.get_offset(OffsetAt::Earliest).await?;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            for one in records.into_iter().take(command.count - read) {
                position = one.offset + 1;
                read += 1;
                serde_json::to_writer(&mut out, &line_of(one))?;
                out.write_all(b"\n")?;
            }
            out.flush()?; // who waits for a first part of the records sees it
        }
        println!("{}", json!({ "read": read }));
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let bootstrap = std::env::args().nth(1).ok_or("usage: driver BOOTSTRAP")?;
    let client = ClientBuilder::new(vec![bootstrap]).build().await?;
    let mut driver = Driver { client, partitions: HashMap::new() };
    println!("{}", json!({ "client": format!("rskafka {}", version()) }));
    for line in std::io::stdin().lock().lines() {
        let command: Command = serde_json::from_str(&line?)?;
        let done = match command.r#do.as_str() {
            "produce" => tokio::time::timeout(Duration::from_secs(60), driver.produce(&command)).await,
            _ => tokio::time::timeout(Duration::from_secs(command.seconds), driver.consume(&command)).await,
        };
        if let Some(error) = done.map_or_else(|late| Some(late.into()), Result::err) {
            println!("{}", json!({ "error": error.to_string() }));
        }
    }
    Ok(())
}
