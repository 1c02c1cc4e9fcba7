namespace Brokkr.Embedded;

/// <summary>What is known of a topic without asking the file.</summary>
internal sealed class TopicState(long id, string name, TopicSettings settings)
{
    // A commit with few records goes to one partition, which costs the fewest pages; a large one is spread.
    private const int RecordsInARow = 64;

    private volatile bool _gone;
    private int _unkeyed;
    private int _inARow;
    private long _inTransaction;

    public long Id { get; } = id;

    public string Name { get; } = name;

    public TopicSettings Settings { get; } = settings;

    /// <summary>Partitions by number. Set once, before anybody else sees the topic.</summary>
    public PartitionState[] Partitions { get; set; } = [];

    /// <summary>Whether the topic was deleted.</summary>
    public bool Gone => _gone;

    /// <summary>Whether the transaction that is being written deletes the topic. Writer thread only.</summary>
    public bool Going { get; set; }

    public void MarkGone()
    {
        _gone = true;
        foreach (var partition in Partitions)
        {
            partition.Wake();
        }
    }

    /// <summary>The partition for a record without a key: in turns, changed with every transaction. Writer thread only.</summary>
    public PartitionState NextUnkeyed(long transaction)
    {
        if (_inTransaction != transaction || _inARow == RecordsInARow)
        {
            _inTransaction = transaction;
            _inARow = 0;
            _unkeyed = (_unkeyed + 1) % Partitions.Length;
        }

        _inARow++;
        return Partitions[_unkeyed];
    }
}
