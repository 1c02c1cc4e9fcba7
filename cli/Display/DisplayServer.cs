using System.Text;
using Brokkr.Cli.Hosting;
using Brokkr.Core.Events;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Cli.Display;

/// <summary>A subscriber that prints each event and answers as it was told to.</summary>
internal sealed class DisplayServer : IAsyncDisposable
{
    private const int DefaultFailure = StatusCodes.Status503ServiceUnavailable;

    private readonly DisplayOptions _options;
    private readonly TextWriter _output;
    private readonly TimeProvider _time;
    private readonly AttemptCounter _attempts = new();
    private readonly Lock _printing = new();
    private SmallHttpServer? _server;

    private DisplayServer(DisplayOptions options, TextWriter output, TimeProvider time)
    {
        _options = options;
        _output = output;
        _time = time;
    }

    /// <summary>The port that is listened on.</summary>
    public int Port => _server!.Port;

    /// <summary>Starts to listen.</summary>
    /// <exception cref="IOException">The port is in use.</exception>
    public static async Task<DisplayServer> StartAsync(
        DisplayOptions options,
        TextWriter output,
        TimeProvider time,
        CancellationToken cancellation
    )
    {
        var display = new DisplayServer(options, output, time);
        display._server = await SmallHttpServer.StartAsync(
            options.Address,
            options.Port,
            NullLoggerFactory.Instance,
            display.AnswerAsync,
            cancellation
        );
        return display;
    }

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task AnswerAsync(HttpContext context)
    {
        using var buffer = EventBuffer.Rent();
        var error = await ReadAsync(context.Request, buffer);
        if (error.IsError)
        {
            Print($"{_time.GetUtcNow().ToLocalTime():HH:mm:ss.fff}  no CloudEvent: {error.Message} -> 400\n");
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsync(error.Message ?? "", context.RequestAborted);
            return;
        }

        var received = buffer.ToCloudEvent();
        var attempt = _attempts.Next(
            $"{Encoding.UTF8.GetString(received.Get(CoreAttribute.Source))}\n{Encoding.UTF8.GetString(received.Get(CoreAttribute.Id))}"
        );
        var status = StatusOf(attempt);
        var reply = status is >= 200 and < 300 ? _options.ReplyType : null;
        Print(
            _options.Json
                ? EventPrinter.Json(received, attempt, status, _time.GetUtcNow())
                : EventPrinter.Text(received, attempt, status, reply, _time.GetUtcNow())
        );
        if (_options.Delay > TimeSpan.Zero)
        {
            await Task.Delay(_options.Delay, _time, context.RequestAborted);
        }

        context.Response.StatusCode = status;
        if (reply is not null)
        {
            await ReplyAsync(context.Response, received, reply);
        }
    }

    private int StatusOf(int attempt)
    {
        if (_options.FailFirst > 0)
        {
            return attempt <= _options.FailFirst ? _options.Status ?? DefaultFailure : StatusCodes.Status200OK;
        }

        return _options.Status ?? StatusCodes.Status200OK;
    }

    private void Print(string text)
    {
        lock (_printing)
        {
            _output.Write(text);
            _output.Flush();
        }
    }

    private static async Task<EventError> ReadAsync(HttpRequest request, EventBuffer into)
    {
        var kind = HttpBinding.ModeOf(request.ContentType);
        var body = new MemoryStream();
        await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted);
        var bytes = body.GetBuffer().AsSpan(0, (int)body.Length);
        switch (kind)
        {
            case ContentKind.Structured:
                return JsonEventFormat.Read(bytes, into) is { IsError: true } invalid ? invalid : into.Validate();
            case ContentKind.Binary:
                foreach (var (name, values) in request.Headers)
                {
                    foreach (var value in values)
                    {
                        if (HttpBinding.AddHeader(into, name, value) is { IsError: true } wrong)
                        {
                            return wrong;
                        }
                    }
                }

                if (
                    request.ContentType is { Length: > 0 } contentType
                    && HttpBinding.SetContentType(into, contentType) is { IsError: true } bad
                )
                {
                    return bad;
                }

                if (bytes.Length > 0)
                {
                    into.AppendData(bytes);
                }

                return into.Validate();
            default:
                return EventError.Invalid($"content type {request.ContentType} is not understood here");
        }
    }

    /// <summary>The same data under another type: enough to see a reply go its way.</summary>
    private static async Task ReplyAsync(HttpResponse response, CloudEvent received, string type)
    {
        var headers = response.Headers;
        headers["ce-specversion"] = "1.0";
        headers["ce-id"] = Guid.NewGuid().ToString();
        headers["ce-source"] = "/brokkr/display";
        headers["ce-type"] = HttpBinding.EncodeValue(Encoding.UTF8.GetBytes(type));
        if (received.Has(CoreAttribute.Subject))
        {
            headers["ce-subject"] = HttpBinding.EncodeValue(received.Get(CoreAttribute.Subject));
        }

        if (received.Has(CoreAttribute.DataContentType))
        {
            response.ContentType = Encoding.UTF8.GetString(received.Get(CoreAttribute.DataContentType));
        }

        response.ContentLength = received.Data.Length;
        await response.Body.WriteAsync(received.Data);
    }
}
