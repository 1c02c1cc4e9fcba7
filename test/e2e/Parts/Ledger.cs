using Brokkr.Testing;
using Brokkr.Testing.Http;

namespace Brokkr.EndToEnd.Tests.Parts;

/// <summary>Compares what was acknowledged with what arrived.</summary>
internal static class Ledger
{
    /// <summary>Waits until every acknowledged event has arrived at a path, and tells how often one arrived more than once.</summary>
    public static async Task NothingIsLostAsync(Sender sender, Subscriber subscriber, string path, TimeSpan? deadline = null)
    {
        var missing = sender.Acknowledged.ToHashSet(StringComparer.Ordinal);
        Assert.NotEmpty(missing);
        var sent = missing.Count;
        var seen = 0;
        var arrived = new HashSet<string>(StringComparer.Ordinal);
        var duplicates = 0;
        await Eventually.True(
            () =>
            {
                var requests = subscriber.At(path);
                for (; seen < requests.Count; seen++)
                {
                    var id = requests[seen].EventId;
                    missing.Remove(id);
                    duplicates += arrived.Add(id) ? 0 : 1;
                }

                return missing.Count == 0;
            },
            () =>
                $"{sent} acknowledged events to arrive at {path}; {missing.Count} are missing, such as {string.Join(", ", missing.Take(5))}",
            deadline ?? TimeSpan.FromSeconds(90)
        );
        TestContext.Current.SendDiagnosticMessage("{0}: {1} acknowledged, 0 lost, {2} duplicates", path, sent, duplicates);
        TestContext.Current.TestOutputHelper?.WriteLine($"{path}: {sent} acknowledged, 0 lost, {duplicates} duplicates");
    }
}
