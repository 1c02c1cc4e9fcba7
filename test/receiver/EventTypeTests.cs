using System.Collections.Concurrent;
using System.Text;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Events;
using Brokkr.Testing;
using static Brokkr.Receiver.Tests.TestReceiver;

namespace Brokkr.Receiver.Tests;

/// <summary>The types of events become known where a resource asks for it (receiver-and-core §12, RSEC-17, KBR-21).</summary>
public sealed class EventTypeTests
{
    private const string Json =
        """{"specversion":"1.0","id":"i","source":"/s","type":"structured","dataschema":"http://schema.test/1","data":1}""";

    [Fact]
    public async Task RSEC_17_KBR_21_Stored_events_in_every_mode_become_known_with_their_owner()
    {
        var seen = new SeenTypes();
        await using var receiver = await StartAsync(seen, Asking(Broker("a")), Asking(Sink("s", ContentMode.Structured)), Broker("quiet"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Body("application/cloudevents+json", Json, "/ns/a"))).Is(202);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/s"))).Is(202);
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/quiet"))).Is(202);
        var batch =
            $"[{Json.Replace("structured", "first", StringComparison.Ordinal)},{Json.Replace("structured", "second", StringComparison.Ordinal)}]";
        (await RawClient.OnceAsync(receiver.Port, RawClient.Body("application/cloudevents-batch+json", batch, "/ns/a"))).Is(202);
        await seen.CountAsync(5);
        Assert.Equal(
            [
                "a first /s http://schema.test/1 Broker eventing.knative.dev/v1 ns a",
                "a second /s http://schema.test/1 Broker eventing.knative.dev/v1 ns a",
                "a structured /s http://schema.test/1 Broker eventing.knative.dev/v1 ns a",
                "a t.x /src  Broker eventing.knative.dev/v1 ns a",
                "s t.x /src  KafkaSink eventing.knative.dev/v1 ns s",
            ],
            seen.All.Order(StringComparer.Ordinal)
        );
        Assert.Equal("hi", Text(await receiver.RecordAsync("t-quiet")).Split('\n')[^1]);
    }

    [Fact]
    public async Task Events_that_are_refused_or_not_stored_do_not()
    {
        var seen = new SeenTypes();
        await using var receiver = await StartAsync(seen, Asking(Broker("a")));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Body("application/cloudevents+json", """{"specversion":"1.0"}""", "/ns/a"))).Is(
            400
        );
        await receiver.Log.Topics.DeleteAsync("t-a", default);
        Assert.NotEqual(202, (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Status);
        Assert.Empty(seen.All);
    }

    [Fact]
    public async Task A_resource_that_begins_or_ceases_to_ask_is_heard()
    {
        var seen = new SeenTypes();
        await using var receiver = await StartAsync(seen, Broker("a"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
        receiver.Publish(Asking(Broker("a")));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
        await seen.CountAsync(1);
        receiver.Publish(Broker("a"));
        (await RawClient.OnceAsync(receiver.Port, RawClient.Event("/ns/a"))).Is(202);
        Assert.Single(seen.All);
    }

    [Theory]
    [InlineData("application/cloudevents+json", Json)]
    [InlineData("application/cloudevents-batch+json", $"[{Json}]")]
    [InlineData(null, "hi")]
    public async Task A_registry_that_breaks_or_takes_its_time_changes_no_answer(string? contentType, string body)
    {
        using var released = new ManualResetEventSlim();
        var seen = new SeenTypes { Before = released.Wait };
        await using var receiver = await StartAsync(seen, Asking(Broker("a")));
        var request = contentType is null ? RawClient.Event("/ns/a", body) : RawClient.Body(contentType, body, "/ns/a");
        try
        {
            // The answer is here while the registry still thinks.
            (await RawClient.OnceAsync(receiver.Port, request)).Is(202);
            Assert.Empty(seen.All);
        }
        finally
        {
            released.Set();
        }

        await seen.CountAsync(1);
        seen.Before = () => throw new InvalidOperationException("broken");
        using var client = await RawClient.ConnectAsync(receiver.Port);
        for (var i = 0; i < 3; i++)
        {
            // The connection stays in use.
            (await client.SendAsync(request)).Is(202);
        }

        Assert.Single(seen.All);
    }

    private static Resource Asking(Resource resource) =>
        With(resource, asking => asking.FeatureFlags = new FeatureFlags { EnableEventTypeAutocreate = true });

    private static async Task<TestReceiver> StartAsync(IEventTypeRegistry registry, params Resource[] resources)
    {
        var receiver = await OpenAsync(new ReceiverOptions(), registry: registry);
        receiver.Publish(resources);
        await receiver.ReadyAsync();
        return receiver;
    }

    private sealed class SeenTypes : IEventTypeRegistry
    {
        private readonly ConcurrentQueue<string> _all = new();

        public Action Before { get; set; } = () => { };

        public IReadOnlyList<string> All => [.. _all];

        public Task CountAsync(int count) => Eventually.True(() => _all.Count >= count, () => $"{count} types; {string.Join(", ", _all)}");

        public void Seen(Reference owner, EventBuffer @event)
        {
            Before();
            var type = Encoding.UTF8.GetString(@event.Get(CoreAttribute.Type));
            var source = Encoding.UTF8.GetString(@event.Get(CoreAttribute.Source));
            var schema = Encoding.UTF8.GetString(@event.Get(CoreAttribute.DataSchema));
            _all.Enqueue($"{owner.Uuid} {type} {source} {schema} {owner.Kind} {owner.GroupVersion} {owner.Namespace} {owner.Name}");
        }
    }
}
