using System.Buffers.Text;
using System.Net;
using System.Text;
using Brokkr.Cli.Dev;
using Brokkr.Cli.Logging;
using Brokkr.Core.Configuration;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Processes;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Tests.Dev;

/// <summary><c>brokkr dev</c> on the embedded log.</summary>
public sealed class DevTests : IAsyncLifetime
{
    private static readonly HttpClient Client = new(new SocketsHttpHandler { UseProxy = false });

    private readonly TemporaryFolder _folder = new();
    private readonly LockedWriter _output = new();
    private Subscriber _subscriber = null!;

    public async ValueTask InitializeAsync() => _subscriber = await Subscriber.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _subscriber.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task An_event_goes_from_its_sender_to_the_subscriber_of_a_matching_trigger()
    {
        _folder.Write("broker.yaml", Broker("orders"));
        _folder.Write("triggers.yaml", Trigger("mine", "orders", "a") + Trigger("other", "orders", "b", "/other"));
        await using var dev = await StartAsync();
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(dev, "orders", "1", "a"));
        var request = Assert.Single(await _subscriber.CountAsync(1));
        Assert.Equal("1", request.EventId);
        Assert.Empty(_subscriber.At("/other"));
    }

    [Fact]
    public async Task The_start_says_what_is_served_where_and_how_to_try_it()
    {
        _folder.Write("broker.yaml", Broker("orders"));
        _folder.Write("triggers.yaml", Trigger("mine", "orders", "a"));
        await using var dev = await StartAsync();
        var text = Text();
        Assert.Contains(
            $"Serving {_folder.Path} at {dev.Address}; events are kept in {_folder[".brokkr"]}",
            text,
            StringComparison.Ordinal
        );
        TestContext.Current.TestOutputHelper!.WriteLine(text);
        Assert.Matches($@"Broker +shop/orders +\w+ +POST {dev.Address}shop/orders", text);
        Assert.Matches($@"Trigger +shop/mine .*-> {_subscriber.Url}", text);
        Assert.Contains($"curl -i {dev.Address}shop/orders -H 'ce-specversion: 1.0'", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_added_changed_or_removed_applies_at_once()
    {
        _folder.Write("broker.yaml", Broker("orders"));
        await using var dev = await StartAsync();
        _folder.Write("later.yaml", Broker("later"));
        await Eventually.True(
            async () => await PostAsync(dev, "later", "1", "a") == HttpStatusCode.Accepted,
            "the new Broker to be served"
        );
        await Eventually.True(() => Text().Contains("shop/later", StringComparison.Ordinal), "the new Broker to be printed");
        File.Delete(_folder["later.yaml"]);
        await Eventually.True(async () => await PostAsync(dev, "later", "2", "a") == HttpStatusCode.NotFound, "the Broker to be gone");
        await Eventually.True(
            () => Text().Contains("Broker shop/later is gone", StringComparison.Ordinal),
            () => $"its end to be printed:\n{Text()}"
        );
    }

    [Fact]
    public async Task A_mistake_is_named_with_file_line_and_field_and_the_last_good_state_goes_on()
    {
        _folder.Write("broker.yaml", Broker("orders"));
        _folder.Write("trigger.yaml", Trigger("mine", "orders", "a"));
        await using var dev = await StartAsync();
        _folder.Write("trigger.yaml", Trigger("mine", "orders", "a", retry: -1));
        await Eventually.True(
            () => System.Text.RegularExpressions.Regex.IsMatch(Text(), @"error: trigger\.yaml:\d+: spec\.delivery\.retry: "),
            () => $"the mistake to be printed:\n{Text()}"
        );
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(dev, "orders", "1", "a"));
        await _subscriber.CountAsync(1);
        _folder.Write("trigger.yaml", Trigger("mine", "orders", "a"));
        await Eventually.True(
            () => Text().Contains("solved: trigger.yaml", StringComparison.Ordinal),
            () => $"the correction to be printed:\n{Text()}"
        );
    }

    [Fact]
    public async Task Events_survive_a_restart()
    {
        _folder.Write("broker.yaml", Broker("orders"));
        _folder.Write("trigger.yaml", Trigger("mine", "orders", "a"));
        _subscriber.Otherwise(_ => Answer.Status(503));
        await using (var dev = await StartAsync())
        {
            Assert.Equal(HttpStatusCode.Accepted, await PostAsync(dev, "orders", "1", "a"));
            await _subscriber.CountAsync(1);
        }

        _subscriber.Clear();
        _subscriber.Otherwise(_ => Answer.Ok);
        await using var again = await StartAsync();
        Assert.Equal("1", Assert.Single(await _subscriber.CountAsync(1)).EventId);
    }

    [Fact]
    public async Task An_empty_folder_is_served_and_explained()
    {
        await using var dev = await StartAsync();
        Assert.Contains("no Broker, Trigger or KafkaSink in the folder yet", Text(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, await PostAsync(dev, "orders", "1", "a"));
    }

    [Fact]
    public async Task A_missing_folder_is_explained()
    {
        var error = await Assert.ThrowsAsync<ConfigurationException>(() =>
            StartAsync(new DevOptions { Folder = "/nonexistent", Port = 0 })
        );
        Assert.Contains("/nonexistent", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_data_folder_of_another_process_is_explained_by_the_real_program()
    {
        await using var dev = await StartAsync();
        await using var other = BrokkrProcess.Start(["dev", _folder.Path, "--port", "0"]);
        Assert.Equal(1, await other.ExitAsync());
        Assert.Contains(_folder[".brokkr"], other.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_in_use_is_explained_by_the_real_program()
    {
        await using var dev = await StartAsync();
        using var data = new TemporaryFolder();
        await using var other = BrokkrProcess.Start(["dev", _folder.Path, "--data", data.Path, "--port", $"{dev.Address.Port}"]);
        Assert.Equal(1, await other.ExitAsync());
        Assert.Contains("--port", other.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SIGTERM_ends_the_real_program_with_0_and_an_unfinished_delivery_is_done_after_a_restart()
    {
        _folder.Write("broker.yaml", Broker("orders"));
        _folder.Write("trigger.yaml", Trigger("mine", "orders", "a"));
        _subscriber.Otherwise(_ => Answer.Status(503));
        await using var program = BrokkrProcess.Start(["dev", _folder.Path, "--port", "0"]);
        var url = (await program.LineAsync(@"curl -i (\S+)")).Groups[1].Value;
        await BrokkrProcess.RunAsync(["send", url, "--id", "1", "--type", "a"]);
        await _subscriber.CountAsync(1);
        Assert.Equal(0, await program.TerminateAsync());
        _subscriber.Clear();
        _subscriber.Otherwise(_ => Answer.Ok);
        await using var again = BrokkrProcess.Start(["dev", _folder.Path, "--port", "0"]);
        Assert.Equal("1", Assert.Single(await _subscriber.CountAsync(1)).EventId);
    }

    [Fact]
    public async Task A_subscriber_with_an_audience_gets_the_token_in_the_file_of_its_name()
    {
        var token = TokenUntil(TimeProvider.System.GetUtcNow().AddHours(1));
        _folder.Write("tokens/my%20shop", token);
        _folder.Write("objects/broker.yaml", Broker("orders"));
        _folder.Write(
            "objects/triggers.yaml",
            Trigger("mine", "orders", "a", audience: "my shop") + Trigger("open", "orders", "a", "/open")
        );
        await using var dev = await StartAsync(
            new DevOptions
            {
                Folder = _folder["objects"],
                Tokens = _folder["tokens"],
                Port = 0,
            }
        );
        Assert.Equal(HttpStatusCode.Accepted, await PostAsync(dev, "orders", "1", "a"));
        await _subscriber.CountAsync(2);
        Assert.Equal("Bearer " + token, Assert.Single(_subscriber.At("/"))["authorization"]);
        Assert.Null(Assert.Single(_subscriber.At("/open"))["authorization"]);
    }

    private static string TokenUntil(DateTimeOffset end)
    {
        static string Part(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
        return $"{Part("""{"alg":"none"}""")}.{Part($$"""{"exp":{{end.ToUnixTimeSeconds()}}}""")}.{Part("-")}";
    }

    private Task<DevServer> StartAsync() => StartAsync(new DevOptions { Folder = _folder.Path, Port = 0 });

    private Task<DevServer> StartAsync(DevOptions options)
    {
        var console = new DevConsole(_output, colour: false, TimeProvider.System);
        return DevServer.StartAsync(
            options,
            console,
            new LoggerFactory([new ConsoleLoggerProvider(console)], new LoggerFilterOptions { MinLevel = LogLevel.Warning }),
            TimeProvider.System,
            TestContext.Current.CancellationToken
        );
    }

    private string Text() => _output.ToString();

    private static async Task<HttpStatusCode> PostAsync(DevServer dev, string broker, string id, string type)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{dev.Address.Port}/shop/{broker}");
        request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes("hi"));
        request.Content.Headers.ContentType = new("text/plain");
        request.Headers.Add("ce-specversion", "1.0");
        request.Headers.Add("ce-id", id);
        request.Headers.Add("ce-source", "/me");
        request.Headers.Add("ce-type", type);
        using var answer = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }

    private static string Broker(string name) =>
        $"""
            apiVersion: eventing.knative.dev/v1
            kind: Broker
            metadata:
              name: {name}
              namespace: shop
              annotations:
                eventing.knative.dev/broker.class: Kafka

            """;

    private string Trigger(string name, string broker, string type, string path = "/", int retry = 1000, string? audience = null) =>
        $"""
            ---
            apiVersion: eventing.knative.dev/v1
            kind: Trigger
            metadata:
              name: {name}
              namespace: shop
            spec:
              broker: {broker}
              filter:
                attributes:
                  type: {type}
              subscriber:
                uri: {new Uri(new Uri(_subscriber.Url), path)}
                audience: {audience ?? "null"}
              delivery:
                backoffPolicy: linear
                backoffDelay: PT0.2S
                retry: {retry}

            """;

    /// <summary>Can be read while it is written to.</summary>
    private sealed class LockedWriter : StringWriter
    {
        private readonly Lock _lock = new();

        public override void WriteLine(string? value)
        {
            lock (_lock)
            {
                base.WriteLine(value);
            }
        }

        public override string ToString()
        {
            lock (_lock)
            {
                return base.ToString();
            }
        }
    }
}
