using System.Net;
using System.Text;
using System.Text.Json;
using Brokkr.Cli.Display;
using Brokkr.Testing.Processes;

namespace Brokkr.Cli.Tests.Display;

public sealed class DisplayTests
{
    private static readonly HttpClient Client = new(new SocketsHttpHandler { UseProxy = false });

    [Fact]
    public async Task An_event_is_printed_with_its_attributes_and_data()
    {
        var output = new StringWriter();
        await using var display = await StartAsync(new DisplayOptions { Port = 0 }, output);
        using var answer = await PostAsync(display, "1", """{"a":[1]}""", ("ce-subject", "gr%C3%BCn"), ("ce-ext", "x"));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var text = output.ToString();
        Assert.Matches(@"^\d\d:\d\d:\d\d\.\d\d\d  com\.example\.a  id 1 from /me -> 200\n", text);
        Assert.Contains(
            "\n  subject: grün\n  ext: x\n  datacontenttype: application/json\n  {\n    \"a\": [\n",
            text,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Structured_events_are_understood()
    {
        var output = new StringWriter();
        await using var display = await StartAsync(new DisplayOptions { Port = 0 }, output);
        using var content = new StringContent(
            """{"specversion":"1.0","id":"9","source":"/me","type":"t.s","data":"hi"}""",
            Encoding.UTF8,
            "application/cloudevents+json"
        );
        using var answer = await Client.PostAsync(Url(display), content, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("t.s  id 9", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_no_event_is_printed_and_refused()
    {
        var output = new StringWriter();
        await using var display = await StartAsync(new DisplayOptions { Port = 0 }, output);
        using var content = new StringContent("hi");
        using var answer = await Client.PostAsync(Url(display), content, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("no CloudEvent", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_first_attempts_at_each_event_fail_on_request()
    {
        var output = new StringWriter();
        await using var display = await StartAsync(
            new DisplayOptions
            {
                Port = 0,
                FailFirst = 2,
                Status = 418,
            },
            output
        );
        var statuses = new List<int>();
        foreach (var id in new[] { "1", "1", "2", "1", "2", "2", "1" })
        {
            using var answer = await PostAsync(display, id, "{}");
            statuses.Add((int)answer.StatusCode);
        }

        Assert.Equal([418, 418, 418, 200, 418, 200, 200], statuses);
        Assert.Contains("id 1 from /me, attempt 3 -> 200", output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(500, 0, 500)]
    [InlineData(202, 0, 202)]
    [InlineData(null, 1, 503)]
    public async Task Every_answer_has_the_status_asked_for(int? status, int failFirst, int expected)
    {
        await using var display = await StartAsync(
            new DisplayOptions
            {
                Port = 0,
                Status = status,
                FailFirst = failFirst,
            },
            new StringWriter()
        );
        using var answer = await PostAsync(display, "1", "{}");
        Assert.Equal(expected, (int)answer.StatusCode);
    }

    [Fact]
    public async Task A_reply_is_an_event_of_its_own_with_the_same_data()
    {
        await using var display = await StartAsync(new DisplayOptions { Port = 0, ReplyType = "com.example.reply" }, new StringWriter());
        using var answer = await PostAsync(display, "1", """{"a":1}""");
        string Header(string name) => Assert.Single(answer.Headers.GetValues(name));
        Assert.Equal("1.0", Header("ce-specversion"));
        Assert.Equal("com.example.reply", Header("ce-type"));
        Assert.Equal("/brokkr/display", Header("ce-source"));
        Assert.NotEqual("1", Header("ce-id"));
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal("""{"a":1}""", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_failing_answer_has_no_reply()
    {
        await using var display = await StartAsync(
            new DisplayOptions
            {
                Port = 0,
                ReplyType = "x",
                FailFirst = 1,
            },
            new StringWriter()
        );
        using var answer = await PostAsync(display, "1", "{}");
        Assert.False(answer.Headers.Contains("ce-type"));
    }

    [Fact]
    public async Task For_programs_there_is_one_JSON_object_per_line()
    {
        var output = new StringWriter();
        await using var display = await StartAsync(new DisplayOptions { Port = 0, Json = true }, output);
        (await PostAsync(display, "1", """{"a":1}""")).Dispose();
        (await PostAsync(display, "1", """{"a":1}""")).Dispose();
        var lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        using var second = JsonDocument.Parse(lines[1]);
        Assert.Equal(2, second.RootElement.GetProperty("attempt").GetInt32());
        Assert.Equal(200, second.RootElement.GetProperty("status").GetInt32());
        Assert.Equal("1", second.RootElement.GetProperty("event").GetProperty("id").GetString());
        Assert.Equal(1, second.RootElement.GetProperty("event").GetProperty("data").GetProperty("a").GetInt32());
    }

    [Fact]
    public async Task The_program_says_where_it_listens_and_ends_well_on_SIGTERM()
    {
        await using var child = BrokkrProcess.Start(["display", "--port", "0"]);
        var port = (await child.LineAsync(@"http://localhost:(\d+)/")).Groups[1].Value;
        using var request = Event("1", "{}");
        request.RequestUri = new Uri($"http://127.0.0.1:{port}/");
        using var answer = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await child.LineAsync("com\\.example\\.a  id 1");
        Assert.Equal(0, await child.TerminateAsync());
    }

    [Fact]
    public async Task A_port_in_use_is_explained()
    {
        await using var display = await StartAsync(new DisplayOptions { Port = 0 }, new StringWriter());
        await using var child = BrokkrProcess.Start(["display", "--port", $"{display.Port}"]);
        Assert.Equal(1, await child.ExitAsync());
        Assert.Contains("--port", child.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_very_many_events_the_oldest_are_forgotten()
    {
        var attempts = new AttemptCounter(capacity: 2);
        Assert.Equal([1, 2, 1, 1, 1, 2], "aabcac".Select(key => attempts.Next($"{key}")));
    }

    private static Task<DisplayServer> StartAsync(DisplayOptions options, TextWriter output) =>
        DisplayServer.StartAsync(options, output, TimeProvider.System, TestContext.Current.CancellationToken);

    private static Uri Url(DisplayServer display) => new($"http://127.0.0.1:{display.Port}/");

    private static async Task<HttpResponseMessage> PostAsync(
        DisplayServer display,
        string id,
        string data,
        params (string Name, string Value)[] headers
    )
    {
        using var request = Event(id, data, headers);
        request.RequestUri = Url(display);
        return await Client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static HttpRequestMessage Event(string id, string data, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, (Uri?)null) { Content = new StringContent(data) };
        request.Content.Headers.ContentType = new("application/json");
        foreach (
            var (name, value) in headers.Concat([
                ("ce-specversion", "1.0"),
                ("ce-id", id),
                ("ce-source", "/me"),
                ("ce-type", "com.example.a"),
            ])
        )
        {
            request.Headers.Add(name, value);
        }

        return request;
    }
}
