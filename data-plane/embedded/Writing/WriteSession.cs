using Brokkr.Embedded.Storage;
using Microsoft.Data.Sqlite;

namespace Brokkr.Embedded.Writing;

/// <summary>The connection that writes, and the transaction it is in. Writer thread only.</summary>
internal sealed class WriteSession : IDisposable
{
    private readonly TimeProvider _time;
    private readonly List<PartitionState> _touched = [];
    private readonly Statement _begin;
    private readonly Statement _commit;
    private readonly Statement _insert;
    private readonly Statement _update;
    private long _now;

    private WriteSession(Database database, TopicTable topics, TimeProvider time)
    {
        Database = database;
        Topics = topics;
        _time = time;
        // Taking the write lock at once fails before anything has been done, and not in the middle.
        _begin = database.Prepare("BEGIN IMMEDIATE");
        _commit = database.Prepare("COMMIT");
        _insert = database.Prepare("INSERT INTO records (id, time, record) VALUES (?, ?, ?)");
        _update = database.Prepare("UPDATE partitions SET first = ?, next = ?, bytes = ? WHERE id = ?");
        Statements = new WriteStatements(database);
    }

    public Database Database { get; }

    public TopicTable Topics { get; }

    public WriteStatements Statements { get; }

    /// <summary>Number of the transaction.</summary>
    public long Transaction { get; private set; }

    /// <summary>Whether the write-ahead log is to be folded after this transaction however short it is, so that the file shrinks.</summary>
    public bool FoldSoon { get; set; }

    /// <summary>Opens the file, making it if there is none.</summary>
    /// <exception cref="Core.Log.LogConfigurationException">The file is something else, or of a later version.</exception>
    /// <exception cref="SqliteException">The file cannot be opened.</exception>
    public static WriteSession Open(string path, bool create, TopicTable topics, EmbeddedLogOptions options, TimeProvider time)
    {
        var database = Database.Open(path, create ? SqliteOpenMode.ReadWriteCreate : SqliteOpenMode.ReadWrite, options.BusyTimeout);
        try
        {
            Schema.Prepare(database, path);
            return new WriteSession(database, topics, time);
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    public void Begin()
    {
        _begin.Run();
        Transaction++;
        // Time stamps of a partition never go back within a process, so that age and order agree.
        _now = Math.Max(_now, _time.GetUtcNow().ToUnixTimeMilliseconds());
    }

    /// <summary>Appends a record.</summary>
    /// <returns>Its offset.</returns>
    public long Insert(PartitionState partition, ReadOnlySpan<byte> record)
    {
        Touch(partition);
        var offset = partition.PendingEnd;
        _insert.Bind(1, partition.RecordId(offset)).Bind(2, _now).Bind(3, record).Run();
        partition.PendingEnd = offset + 1;
        partition.PendingBytes += record.Length;
        return offset;
    }

    /// <summary>The bounds or the size of a partition change in this transaction.</summary>
    public void Touch(PartitionState partition)
    {
        if (!partition.Touched)
        {
            partition.Touched = true;
            _touched.Add(partition);
        }
    }

    public void Commit()
    {
        foreach (var partition in _touched)
        {
            _update
                .Bind(1, partition.PendingStart)
                .Bind(2, partition.PendingEnd)
                .Bind(3, partition.PendingBytes)
                .Bind(4, partition.Id)
                .Run();
        }

        _commit.Run();
    }

    /// <summary>Shows readers what has been committed.</summary>
    public void Publish()
    {
        foreach (var partition in _touched)
        {
            partition.Touched = false;
            partition.Publish();
        }

        _touched.Clear();
    }

    /// <summary>Ends a transaction that failed. What partitions had pending is wrong until <see cref="LoadBounds"/>.</summary>
    /// <exception cref="SqliteException">The connection is of no use any more.</exception>
    public void Rollback()
    {
        foreach (var partition in _touched)
        {
            partition.Touched = false;
        }

        _touched.Clear();
        // SQLite ends the transaction itself after most errors.
        if (Database.InTransaction)
        {
            Database.Execute("ROLLBACK");
        }
    }

    /// <summary>Takes the bounds of all partitions from the file.</summary>
    /// <exception cref="InvalidDataException">The file does not hold the topics that it held.</exception>
    public void LoadBounds()
    {
        foreach (var topic in Topics.All)
        {
            foreach (var partition in topic.Partitions)
            {
                var row = Statements.Bounds.Bind(1, partition.Id);
                if (!row.Step())
                {
                    throw new InvalidDataException("the file was exchanged for another one while it was open: restart the process");
                }

                partition.PendingStart = row.Int64(0);
                partition.PendingEnd = row.Int64(1);
                partition.PendingBytes = row.Int64(2);
                row.Reset();
                partition.Publish();
            }
        }
    }

    public void Dispose() => Database.Dispose();
}
