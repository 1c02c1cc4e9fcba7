using Brokkr.Core.Log;
using Microsoft.Data.Sqlite;

namespace Brokkr.Embedded.Storage;

/// <summary>
/// The tables of the file, by version (<c>PRAGMA user_version</c>).
/// <code>
/// topics      one row per topic
/// settings    its settings, by Kafka's names
/// partitions  one row per partition: its bounds and the bytes it holds. topic is null when the topic was deleted and the records still have to go
/// records     id = partition id &lt;&lt; 40 | offset, so that a partition is one stretch of the table, in order; record as RecordCodec writes it
/// cursors     positions of consumer groups
/// </code>
/// </summary>
internal static class Schema
{
    /// <summary>The version that this program writes. It can read no later one; an earlier one it would bring up to date here.</summary>
    public const int Version = 1;

    /// <summary>Bits of a record id that hold the offset: 10^12 records in a partition, and 8 million partitions in the life of a file.</summary>
    public const int OffsetBits = 40;

    public const long LargestPartitionId = (1L << (63 - OffsetBits)) - 1;

    // "Brkr": tells our files from other SQLite files.
    private const int ApplicationId = 0x42726b72;

    private static readonly string[] Create =
    [
        """
            CREATE TABLE topics (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                name TEXT NOT NULL UNIQUE
            )
            """,
        """
            CREATE TABLE settings (
                topic INTEGER NOT NULL,
                name TEXT NOT NULL,
                value TEXT NOT NULL,
                PRIMARY KEY (topic, name)
            ) WITHOUT ROWID
            """,
        """
            CREATE TABLE partitions (
                id INTEGER PRIMARY KEY AUTOINCREMENT,
                topic INTEGER,
                number INTEGER NOT NULL,
                first INTEGER NOT NULL DEFAULT 0,
                next INTEGER NOT NULL DEFAULT 0,
                bytes INTEGER NOT NULL DEFAULT 0
            )
            """,
        "CREATE INDEX partitions_by_topic ON partitions (topic, number)",
        """
            CREATE TABLE records (
                id INTEGER PRIMARY KEY,
                time INTEGER NOT NULL,
                record BLOB NOT NULL
            )
            """,
        """
            CREATE TABLE cursors (
                consumer_group TEXT NOT NULL,
                partition INTEGER NOT NULL,
                offset INTEGER NOT NULL,
                metadata TEXT NOT NULL,
                PRIMARY KEY (consumer_group, partition)
            ) WITHOUT ROWID
            """,
        "CREATE INDEX cursors_by_partition ON cursors (partition)",
    ];

    /// <summary>Sets a connection up, and makes or checks the tables.</summary>
    /// <exception cref="LogConfigurationException">The file is something else, or of a later version.</exception>
    public static void Prepare(Database database, string path)
    {
        try
        {
            var version = database.Scalar("PRAGMA user_version");
            var application = database.Scalar("PRAGMA application_id");
            var empty = database.Scalar("SELECT count(*) FROM sqlite_schema") == 0;
            if (application != ApplicationId && !(empty && version == 0 && application == 0))
            {
                throw new LogConfigurationException($"{path} is a SQLite file of something else than Brokkr: choose another data folder");
            }

            if (version > Version)
            {
                throw new LogConfigurationException(
                    $"{path} was written by a later Brokkr (format {version}; this one knows {Version}): use that version, or choose another data folder"
                );
            }

            Configure(database);
            if (empty)
            {
                CreateTables(database);
            }
        }
        catch (SqliteException e) when (e.SqliteErrorCode is SQLitePCL.raw.SQLITE_NOTADB or SQLitePCL.raw.SQLITE_CORRUPT)
        {
            throw new LogConfigurationException(
                $"{path} is damaged or no SQLite file ({e.Message}): restore it, or choose another data folder",
                e
            );
        }
    }

    /// <summary>Settings of the connection that writes. The first two only have an effect on a file without tables.</summary>
    private static void Configure(Database database)
    {
        database.Execute("PRAGMA page_size = 4096");
        database.Execute("PRAGMA auto_vacuum = INCREMENTAL");
        database.Execute("PRAGMA journal_mode = WAL");
        // The write-ahead log is flushed to the disk before a commit returns.
        database.Execute("PRAGMA synchronous = FULL");
        // Folding is done by the writer when nobody waits for it.
        database.Execute("PRAGMA wal_autocheckpoint = 0");
        // What a long transaction made it grow to is given back.
        database.Execute("PRAGMA journal_size_limit = 16777216");
        database.Execute("PRAGMA cache_size = -16384");
        database.Execute("PRAGMA temp_store = MEMORY");
    }

    private static void CreateTables(Database database)
    {
        database.Execute("BEGIN IMMEDIATE");
        foreach (var statement in Create)
        {
            database.Execute(statement);
        }

        database.Execute($"PRAGMA application_id = {ApplicationId}");
        database.Execute($"PRAGMA user_version = {Version}");
        database.Execute("COMMIT");
    }
}
