using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Brokkr.Core.Log;
using Brokkr.Core.Telemetry;
using Brokkr.Testing;
using static Brokkr.Receiver.Tests.TestReceiver;

namespace Brokkr.Receiver.Tests;

/// <summary>What is counted (receiver-and-core §14.2, RDP-19).</summary>
public sealed class MetricsTests
{
    [Fact]
    public async Task RDP_19_Every_answer_of_a_resource_is_counted_under_its_names_and_type()
    {
        var name = $"br-{Guid.NewGuid():N}";
        using var seen = new Measurements(name);
        await using var receiver = await StartAsync();
        var faulty = receiver.Logs.Behind("faulty");
        receiver.Publish(With(Broker("br", servers: "faulty"), resource => resource.Reference.Name = name));
        await receiver.ServedAsync("/ns/br");
        using var client = await RawClient.ConnectAsync(receiver.Port);
        (await client.SendAsync(RawClient.Event())).Is(202);
        (await client.SendAsync(RawClient.Head(type: "t.y") + "Content-Length: 0\r\n\r\n")).Is(202);
        (await client.SendAsync(RawClient.Body("text/plain", "hi"))).Is(400);
        (await client.SendAsync(RawClient.Body("application/cloudevents+xml", "hi"))).Is(415);
        faulty.Append = (_, _) => new ValueTask<AppendResult>(AppendResult.Failed(AppendOutcome.RetryLater, "as the test says"));
        (await client.SendAsync(RawClient.Event())).Is(503);
        (await client.SendAsync(RawClient.Event("/ns/nope"))).Is(404);
        (await client.SendAsync("PUT /ns/br HTTP/1.1\r\nHost: x.test\r\nContent-Length: 0\r\n\r\n")).Is(405);
        await Eventually.True(() => seen.Tags.Count == 5, () => string.Join("; ", seen.Tags));
        Assert.Equal(
            ["202 t.x", "202 t.y", "400 unknown", "415 unknown", "503 t.x"],
            seen.Tags.Select(tags => $"{tags[EventingInstruments.StatusCodeTag]} {tags[EventingInstruments.EventTypeTag]}").Order()
        );
        Assert.All(seen.Tags, tags => Assert.Equal(["kn.broker.name", "kn.broker.namespace"], tags.Keys.Where(IsResource).Order()));
        Assert.All(seen.Tags, tags => Assert.Equal("ns", tags["kn.broker.namespace"]));

        static bool IsResource(string key) => key.StartsWith("kn.", StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_series_of_a_resource_that_goes_are_dropped_but_not_those_of_one_that_changes()
    {
        using var folder = new TemporaryFolder();
        await using var log = await Embedded.EmbeddedLog.OpenAsync(new Embedded.EmbeddedLogOptions { Folder = folder.Path });
        var contracts = new Core.Contract.ContractPublisher();
        var series = new DroppedSeries();
        await using var host = await ReceiverHost.StartAsync(
            new ReceiverOptions { Address = System.Net.IPAddress.Loopback, Port = 0 },
            contracts,
            new TestLogs(log),
            Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance,
            series
        );
        contracts.Publish(new Core.Contract.Wire.Contract { Generation = 1, Resources = { Broker("a"), Broker("b") } });
        contracts.Publish(new Core.Contract.Wire.Contract { Generation = 2, Resources = { Broker("a", topic: "t-other"), Broker("b") } });
        Assert.Empty(series.Dropped);
        contracts.Publish(new Core.Contract.Wire.Contract { Generation = 3, Resources = { Broker("b") } });
        Assert.Equal(["kn.broker.name=a kn.broker.namespace=ns"], series.Dropped);
    }

    /// <summary>What is recorded for one resource in the whole process.</summary>
    private sealed class Measurements : IDisposable
    {
        private readonly MeterListener _listener = new();

        public Measurements(string name)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument is { Name: "kn.eventing.dispatch.latency", Meter.Name: "Brokkr.Receiver" })
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<double>(
                (_, _, tags, _) =>
                {
                    var read = new Dictionary<string, string>(StringComparer.Ordinal);
                    foreach (var (key, value) in tags)
                    {
                        read.Add(key, (string)value!);
                    }

                    if (read.ContainsValue(name))
                    {
                        Tags.Enqueue(read);
                    }
                }
            );
            _listener.Start();
        }

        public ConcurrentQueue<Dictionary<string, string>> Tags { get; } = [];

        public void Dispose() => _listener.Dispose();
    }

    private sealed class DroppedSeries : IMetricSeries
    {
        public List<string> Dropped { get; } = [];

        public void Remove(params ReadOnlySpan<KeyValuePair<string, string>> tags)
        {
            var text = new List<string>();
            foreach (var (key, value) in tags)
            {
                text.Add($"{key}={value}");
            }

            Dropped.Add(string.Join(' ', text));
        }
    }
}
