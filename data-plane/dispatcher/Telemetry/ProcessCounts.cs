using System.Diagnostics.Metrics;
using Brokkr.Core.Log;

namespace Brokkr.Dispatcher.Telemetry;

/// <summary>How a partition came or went.</summary>
internal enum PartitionChange
{
    /// <summary>It belongs to this process from now on.</summary>
    Gained,

    /// <summary>It went to another process in an orderly way.</summary>
    GivenUp,

    /// <summary>It went without a hand-over: what was in flight is delivered again elsewhere.</summary>
    Lost,
}

/// <summary>What a dispatcher counts that belongs to no single Trigger.</summary>
internal sealed class ProcessCounts
{
    private readonly long[] _changes = new long[3];
    private long _fed;
    private long _caughtUp;

    public ProcessCounts(Meter meter)
    {
        meter.CreateObservableCounter(
            "brokkr.dispatcher.partition_changes",
            () =>
                (Measurement<long>[])
                    [
                        Of(Interlocked.Read(ref _changes[(int)PartitionChange.Gained]), "change", "gained"),
                        Of(Interlocked.Read(ref _changes[(int)PartitionChange.GivenUp]), "change", "given_up"),
                        Of(Interlocked.Read(ref _changes[(int)PartitionChange.Lost]), "change", "lost"),
                    ],
            description: "Partitions that came to this dispatcher, were handed over by it, or were lost without a hand-over"
        );
        meter.CreateObservableUpDownCounter(
            "brokkr.dispatcher.partitions",
            () =>
                Interlocked.Read(ref _changes[(int)PartitionChange.Gained])
                - Interlocked.Read(ref _changes[(int)PartitionChange.GivenUp])
                - Interlocked.Read(ref _changes[(int)PartitionChange.Lost]),
            description: "Partitions that this dispatcher owns"
        );
        meter.CreateObservableCounter(
            "brokkr.dispatcher.read_records",
            () =>
                (Measurement<long>[])
                    [Of(Interlocked.Read(ref _fed), "purpose", "feed"), Of(Interlocked.Read(ref _caughtUp), "purpose", "catch_up")],
            description: "Records read from the log, once for all Triggers that keep up and again for those that fell behind"
        );
    }

    public void Read(int records, ReadPurpose purpose) =>
        Interlocked.Add(ref purpose == ReadPurpose.CatchUp ? ref _caughtUp : ref _fed, records);

    public void HandedOver(PartitionChange change, int partitions) => Interlocked.Add(ref _changes[(int)change], partitions);

    private static Measurement<long> Of(long value, string tag, string text) => new(value, new KeyValuePair<string, object?>(tag, text));
}
