using Brokkr.Embedded.Storage;

namespace Brokkr.Embedded.Writing;

/// <summary>Statements for all that is no append.</summary>
internal sealed class WriteStatements(Database database)
{
    public Statement Bounds { get; } = database.Prepare("SELECT first, next, bytes FROM partitions WHERE id = ?");

    public Statement FindTopic { get; } = database.Prepare("SELECT id FROM topics WHERE name = ?");

    public Statement InsertTopic { get; } = database.Prepare("INSERT INTO topics (name) VALUES (?)");

    public Statement InsertSetting { get; } = database.Prepare("INSERT INTO settings (topic, name, value) VALUES (?, ?, ?)");

    public Statement InsertPartition { get; } = database.Prepare("INSERT INTO partitions (topic, number) VALUES (?, ?)");

    public Statement DeleteTopic { get; } = database.Prepare("DELETE FROM topics WHERE id = ?");

    public Statement DeleteSettings { get; } = database.Prepare("DELETE FROM settings WHERE topic = ?");

    public Statement OrphanPartitions { get; } = database.Prepare("UPDATE partitions SET topic = NULL WHERE topic = ?");

    public Statement DeleteCursorsOfTopic { get; } =
        database.Prepare("DELETE FROM cursors WHERE partition IN (SELECT id FROM partitions WHERE topic = ?)");

    public Statement StoreCursor { get; } =
        database.Prepare(
            """
            INSERT INTO cursors (consumer_group, partition, offset, metadata) VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET offset = excluded.offset, metadata = excluded.metadata
            """
        );

    public Statement DeleteGroup { get; } = database.Prepare("DELETE FROM cursors WHERE consumer_group = ?");

    public Statement Oldest { get; } =
        database.Prepare("SELECT id, time, length(record) FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT ?");

    public Statement DeleteRecords { get; } = database.Prepare("DELETE FROM records WHERE id >= ? AND id < ?");

    public Statement FindOrphan { get; } = database.Prepare("SELECT id FROM partitions WHERE topic IS NULL LIMIT 1");

    public Statement NthRecord { get; } = database.Prepare("SELECT id FROM records WHERE id >= ? AND id < ? ORDER BY id LIMIT 1 OFFSET ?");

    public Statement DeletePartition { get; } = database.Prepare("DELETE FROM partitions WHERE id = ?");

    public Statement FreePages { get; } = database.Prepare("PRAGMA freelist_count");

    public Statement AllPages { get; } = database.Prepare("PRAGMA page_count");
}
