using Brokkr.Testing;
using Brokkr.Testing.Http;

namespace Brokkr.EndToEnd.Tests.Parts;

/// <summary>Compares what was acknowledged with what arrived.</summary>
internal static class Ledger
{
    /// <summary>Waits until every acknowledged event has arrived, and tells how often one arrived more than once.</summary>
    /// <param name="sender">Who sent them.</param>
    /// <param name="subscriber">Where they should arrive.</param>
    /// <param name="path">At which path; at any if null.</param>
    /// <param name="deadline">How long at most; 90 seconds by default.</param>
    public static async Task NothingIsLostAsync(Sender sender, Subscriber subscriber, string? path = null, TimeSpan? deadline = null)
    {
        var where = path ?? "any path";
        var missing = sender.Acknowledged.ToHashSet(StringComparer.Ordinal);
        Assert.NotEmpty(missing);
        var sent = missing.Count;
        var seen = 0;
        var arrived = new HashSet<string>(StringComparer.Ordinal);
        var duplicates = 0;
        await Eventually.True(
            () =>
            {
                var requests = path is null ? subscriber.Requests : subscriber.At(path);
                for (; seen < requests.Count; seen++)
                {
                    var id = requests[seen].EventId;
                    missing.Remove(id);
                    duplicates += arrived.Add(id) ? 0 : 1;
                }

                return missing.Count == 0;
            },
            () =>
                $"{sent} acknowledged events to arrive at {where}; {missing.Count} are missing, such as {string.Join(", ", missing.Take(5))}",
            deadline ?? TimeSpan.FromSeconds(90)
        );
        TestContext.Current.SendDiagnosticMessage("{0}: {1} acknowledged, 0 lost, {2} duplicates", where, sent, duplicates);
        TestContext.Current.TestOutputHelper?.WriteLine($"{where}: {sent} acknowledged, 0 lost, {duplicates} duplicates");
    }
}
