using System.Text;
using System.Text.Json;
using Brokkr.Testing;
using Brokkr.Testing.Http;
using Brokkr.Testing.Processes;

namespace Brokkr.Cli.Tests.Send;

/// <summary><c>brokkr send</c>, the real program, against a real server.</summary>
public sealed class SendTests : IAsyncLifetime
{
    private Subscriber _subscriber = null!;

    public async ValueTask InitializeAsync() => _subscriber = await Subscriber.StartAsync();

    public ValueTask DisposeAsync() => _subscriber.DisposeAsync();

    [Fact]
    public async Task An_event_is_posted_in_binary_mode_with_every_attribute_given()
    {
        var output = await RunAsync(
            0,
            "--type",
            "com.example.a",
            "--source",
            "/me",
            "--id",
            "1",
            "--subject",
            "grün %",
            "--time",
            "2026-01-31T12:00:00Z",
            "--datacontenttype",
            "text/plain",
            "--extension",
            "partitionkey=k",
            "--extension",
            "note=a=\"b\"",
            "--data",
            "hello"
        );
        Assert.Contains("200 accepted", output, StringComparison.Ordinal);
        var request = Assert.Single(_subscriber.Requests);
        Assert.Equal("1.0", request["ce-specversion"]);
        Assert.Equal("com.example.a", request["ce-type"]);
        Assert.Equal("/me", request["ce-source"]);
        Assert.Equal("1", request["ce-id"]);
        Assert.Equal("gr%C3%BCn%20%25", request["ce-subject"]);
        Assert.Equal("2026-01-31T12:00:00Z", request["ce-time"]);
        Assert.Equal("k", request["ce-partitionkey"]);
        Assert.Equal("a=%22b%22", request["ce-note"]);
        Assert.Equal("text/plain", request["content-type"]);
        Assert.Equal("hello", request.Text);
    }

    [Theory]
    [InlineData("""{"a":1}""", "application/json")]
    [InlineData("hello", "text/plain; charset=utf-8")]
    [InlineData("1 2", "text/plain; charset=utf-8")]
    public async Task Without_a_content_type_it_is_what_the_data_looks_like(string data, string contentType)
    {
        await RunAsync(0, "--data", data);
        Assert.Equal(contentType, Assert.Single(_subscriber.Requests)["content-type"]);
    }

    [Fact]
    public async Task Data_comes_from_a_file_or_from_standard_input()
    {
        using var folder = new TemporaryFolder();
        await RunAsync(0, "--file", folder.Write("data", "from a file"));
        await using var child = BrokkrProcess.Start(["send", _subscriber.Url, "--file", "-"]);
        await child.Input.WriteAsync("from a pipe");
        child.CloseInput();
        Assert.Equal(0, await child.ExitAsync());
        Assert.Equal(["from a file", "from a pipe"], _subscriber.Requests.Select(request => request.Text));
    }

    [Fact]
    public async Task Many_events_have_numbered_ids_and_are_counted()
    {
        var output = await RunAsync(0, "--id", "x", "--count", "25", "--concurrency", "4", "--output", "json");
        Assert.Equal(
            Enumerable.Range(1, 25).Select(i => $"x-{i}").Order(StringComparer.Ordinal),
            _subscriber.Requests.Select(request => request.EventId).Order(StringComparer.Ordinal)
        );
        using var json = JsonDocument.Parse(output);
        Assert.Equal(25, json.RootElement.GetProperty("sent").GetInt32());
        Assert.Equal(25, json.RootElement.GetProperty("accepted").GetInt32());
        Assert.Equal(25, json.RootElement.GetProperty("statuses").GetProperty("200").GetInt32());
        Assert.True(json.RootElement.GetProperty("latencyMs").GetProperty("p50").GetDouble() > 0);
        Assert.True(
            json.RootElement.GetProperty("latencyMs").GetProperty("p50").GetDouble()
                <= json.RootElement.GetProperty("latencyMs").GetProperty("max").GetDouble()
        );
    }

    [Fact]
    public async Task A_refused_event_is_an_exit_code_of_1_and_the_detail_of_its_problem_document()
    {
        _subscriber.OnEvent(
            "2",
            Answer.Status(400) with
            {
                Headers = [("content-type", "application/problem+json")],
                Body = Encoding.UTF8.GetBytes("""{"title":"Invalid event","detail":"The attribute 'type' is missing."}"""),
            }
        );
        var output = await RunAsync(1, "--id", "2");
        Assert.Contains("1 sent, 0 accepted, 1 refused", output, StringComparison.Ordinal);
        Assert.Contains("event 2: 400 Bad Request: The attribute 'type' is missing.", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_refused_event_among_many_is_an_exit_code_of_1()
    {
        _subscriber.OnEvent("x-7", Answer.Status(503));
        Assert.Contains("10 sent, 9 accepted, 1 refused", await RunAsync(1, "--id", "x", "--count", "10"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_an_exit_code_of_1_and_named()
    {
        var url = $"http://127.0.0.1:{FreePort.Next()}/x";
        await using var child = BrokkrProcess.Start(["send", url]);
        Assert.Equal(1, await child.ExitAsync());
        Assert.Contains(new Uri(url).Authority + ": Connection refused", child.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_never_answers_is_given_up()
    {
        _subscriber.OnPath("/", Answer.Never);
        Assert.Contains("no answer within 0.2 s", await RunAsync(1, "--timeout", "0.2"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--type", "", "'type' is empty")]
    [InlineData("--extension", "Bad=1", "'Bad'")]
    [InlineData("--extension", "novalue", "name=value")]
    [InlineData("--time", "yesterday", "time")]
    [InlineData("--count", "0", "--count must be at least 1")]
    [InlineData("--rate", "-1", "--rate must not be negative")]
    [InlineData("--file", "/nonexistent", "/nonexistent")]
    public async Task A_mistake_is_explained_before_anything_is_sent(string option, string value, string says)
    {
        Assert.Contains(says, await RunAsync(1, option, value), StringComparison.Ordinal);
        Assert.Empty(_subscriber.Requests);
    }

    [Fact]
    public async Task A_URL_that_is_none_is_explained()
    {
        await using var child = BrokkrProcess.Start(["send", "localhost:8080/x"]);
        Assert.Equal(1, await child.ExitAsync());
        Assert.Contains("is no http or https URL", child.Text, StringComparison.Ordinal);
    }

    private async Task<string> RunAsync(int code, params string[] arguments)
    {
        await using var child = BrokkrProcess.Start(["send", _subscriber.Url, .. arguments]);
        child.CloseInput();
        var exit = await child.ExitAsync();
        Assert.True(exit == code, $"exit code {exit}:\n{child.Text}");
        return child.Text;
    }
}
