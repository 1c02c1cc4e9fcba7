using System.Globalization;
using System.Text;
using Brokkr.Core.Log;
using Brokkr.Testing;
using CsCheck;

namespace Brokkr.Embedded.Tests;

/// <summary>Any sequence of uses has the results that a few lists in memory have, also across restarts.</summary>
public sealed class ModelTests
{
    private const int Topics = 2;
    private const int Partitions = 3;
    private static readonly string[] Groups = ["one", "two"];

    private abstract record Step
    {
        public sealed record Append(int Topic, string? Key, int Count, int Size) : Step;

        public sealed record Read(int Topic, int Partition, int Offset, int MaxBytes) : Step;

        public sealed record Store(string Group, int Topic, int Partition, long Offset, string Metadata) : Step;

        public sealed record Forget(string Group) : Step;

        public sealed record Recreate(int Topic) : Step;

        public sealed record Restart : Step;
    }

    // Also signs of several bytes, and the one that ends a string in C.
    private static readonly Gen<string> Text = Gen.OneOf('a', 'b', '7', ',', '-', ' ', 'é', '日', '\0')
        .Array[0, 12]
        .Select(signs => new string(signs));

    private static readonly Gen<Step> Steps = Gen.Frequency(
        (
            8,
            Gen.Select(
                Gen.Int[0, Topics - 1],
                Gen.OneOf(Gen.Const((string?)null), Text.Select(key => (string?)key)),
                Gen.Int[1, 30],
                Gen.Int[0, 9000],
                (topic, key, count, size) => (Step)new Step.Append(topic, key, count, size)
            )
        ),
        (
            6,
            Gen.Select(
                Gen.Int[0, Topics - 1],
                Gen.Int[0, Partitions - 1],
                Gen.Int[-3, 60],
                Gen.Int[1, 50_000],
                (topic, partition, offset, bytes) => (Step)new Step.Read(topic, partition, offset, bytes)
            )
        ),
        (
            4,
            Gen.Select(
                Gen.OneOf(Groups),
                Gen.Int[0, Topics - 1],
                Gen.Int[0, Partitions - 1],
                Gen.Long[0, 1000],
                Text,
                (group, topic, partition, offset, metadata) => (Step)new Step.Store(group, topic, partition, offset, metadata)
            )
        ),
        (1, Gen.OneOf(Groups).Select(group => (Step)new Step.Forget(group))),
        (1, Gen.Int[0, Topics - 1].Select(topic => (Step)new Step.Recreate(topic))),
        (1, Gen.Const((Step)new Step.Restart()))
    );

    [Fact]
    public Task The_log_behaves_as_lists_in_memory() =>
        Steps.List[1, 40].SampleAsync(RunAsync, iter: 60, threads: 2, print: steps => string.Join("\n", steps));

    private static async Task RunAsync(List<Step> steps)
    {
        using var folder = new TemporaryFolder();
        var log = await EmbeddedLog.OpenAsync(new EmbeddedLogOptions { Folder = folder.Path });
        try
        {
            var model = new Model();
            for (var topic = 0; topic < Topics; topic++)
            {
                await log.CreateAsync(Name(topic), Partitions);
            }

            foreach (var step in steps)
            {
                if (step is Step.Restart)
                {
                    await log.DisposeAsync();
                    log = await EmbeddedLog.OpenAsync(new EmbeddedLogOptions { Folder = folder.Path });
                }
                else
                {
                    await model.DoAsync(log, step);
                }
            }

            await model.CompareAsync(log);
        }
        finally
        {
            await log.DisposeAsync();
        }
    }

    private static string Name(int topic) => $"topic-{topic.ToString(CultureInfo.InvariantCulture)}";

    private sealed class Model
    {
        private readonly List<string>[,] _records = new List<string>[Topics, Partitions];
        private readonly Dictionary<(string Group, int Topic, int Partition), CursorPosition> _cursors = [];
        private int _next;

        public Model()
        {
            for (var topic = 0; topic < Topics; topic++)
            {
                Clear(topic);
            }
        }

        public async Task DoAsync(EmbeddedLog log, Step step)
        {
            switch (step)
            {
                case Step.Append append:
                    await AppendAsync(log, append);
                    break;
                case Step.Read read:
                    await ReadAsync(log, read);
                    break;
                case Step.Store(var group, var topic, var partition, var offset, var metadata):
                    var position = new CursorPosition(offset, metadata);
                    await log.Cursors.StoreAsync(group, [new(new TopicPartition(Name(topic), partition), position)], default);
                    _cursors[(group, topic, partition)] = position;
                    break;
                case Step.Forget(var group):
                    await log.Cursors.DeleteAsync(group, default);
                    Remove(key => key.Group == group);
                    break;
                case Step.Recreate(var topic):
                    Assert.True(await log.Topics.DeleteAsync(Name(topic), default));
                    await log.CreateAsync(Name(topic), Partitions);
                    Clear(topic);
                    Remove(key => key.Topic == topic);
                    break;
            }
        }

        public async Task CompareAsync(EmbeddedLog log)
        {
            for (var topic = 0; topic < Topics; topic++)
            {
                for (var partition = 0; partition < Partitions; partition++)
                {
                    Assert.Equal(new PartitionBounds(0, _records[topic, partition].Count), await log.BoundsAsync(Name(topic), partition));
                    Assert.Equal(_records[topic, partition], await log.ReadToEndAsync(Name(topic), partition));
                }

                foreach (var group in Groups)
                {
                    var wanted = _cursors.Where(cursor => cursor.Key.Group == group && cursor.Key.Topic == topic);
                    Assert.Equal(
                        wanted.ToDictionary(cursor => cursor.Key.Partition, cursor => cursor.Value),
                        await log.Cursors.LoadAsync(group, Name(topic), default)
                    );
                }
            }
        }

        private async Task AppendAsync(EmbeddedLog log, Step.Append append)
        {
            var values = Enumerable.Range(0, append.Count).Select(_ => $"{_next++} {new string('x', append.Size)}").ToList();
            var results = await Task.WhenAll(values.Select(value => log.AppendStoredAsync(Name(append.Topic), value, append.Key)));
            foreach (var (result, value) in results.Zip(values).OrderBy(entry => entry.First.Offset))
            {
                if (append.Key is not null)
                {
                    Assert.Equal(Murmur2.PartitionOf(Encoding.UTF8.GetBytes(append.Key), Partitions), result.Partition);
                }

                var records = _records[append.Topic, result.Partition];
                Assert.Equal(records.Count, result.Offset);
                records.Add(value);
            }
        }

        private async Task ReadAsync(EmbeddedLog log, Step.Read read)
        {
            var records = _records[read.Topic, read.Partition];
            var first = Math.Max(0, read.Offset);
            var partition = new TopicPartition(Name(read.Topic), read.Partition);
            await using var reader = await log.Readers.OpenAsync(partition, read.Offset, ReadPurpose.CatchUp, default);
            var batch = new List<StoredRecord>();
            if (first >= records.Count)
            {
                using var cancellation = new CancellationTokenSource();
                var waiting = reader.ReadAsync(batch, read.MaxBytes, cancellation.Token).AsTask();
                Assert.False(waiting.IsCompleted);
                await cancellation.CancelAsync();
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
                return;
            }

            var next = await reader.ReadAsync(batch, read.MaxBytes, default);
            Assert.Equal(first + batch.Count, next);
            Assert.Equal(records.Skip(first).Take(batch.Count), batch.Select(record => Encoding.UTF8.GetString(record.Value.Span)));
            Assert.True(batch.SkipLast(1).Sum(record => record.SizeInMemory) < read.MaxBytes);
            Assert.True(next == records.Count || batch.Sum(record => record.SizeInMemory) >= read.MaxBytes);
        }

        private void Clear(int topic)
        {
            for (var partition = 0; partition < Partitions; partition++)
            {
                _records[topic, partition] = [];
            }
        }

        private void Remove(Func<(string Group, int Topic, int Partition), bool> which)
        {
            foreach (var key in _cursors.Keys.Where(which).ToList())
            {
                _cursors.Remove(key);
            }
        }
    }
}
