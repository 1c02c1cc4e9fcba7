using Brokkr.Core.Log;
using Brokkr.Receiver.Telemetry;

namespace Brokkr.Receiver.Routing;

/// <summary>A resource as requests see it. Immutable: a change of the contract makes a new one.</summary>
/// <param name="Definition">What the contract says about it.</param>
/// <param name="Log">The log it lives on.</param>
/// <param name="Latency">Its series of the latency histogram.</param>
internal sealed record Ingress(IngressDefinition Definition, SharedLog Log, IngressLatency Latency)
{
    /// <summary>Appends records to the log.</summary>
    public ILogWriter Writer { get; } = Log.Log.Writer;
}
