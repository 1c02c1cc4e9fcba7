using System.CommandLine;
using Brokkr.Cli.Hosting;
using Brokkr.Core.Configuration;

namespace Brokkr.Cli.Send;

/// <summary><c>brokkr send</c>: posts events to a Broker, a KafkaSink or any other address that takes CloudEvents.</summary>
internal static class SendCommand
{
    public static Command Create()
    {
        var url = new Argument<Uri>("URL")
        {
            Description = "Where to post: http://HOST:PORT/NAMESPACE/NAME of a Broker or KafkaSink",
            CustomParser = argument =>
            {
                var text = argument.Tokens[0].Value;
                if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https")
                {
                    return uri;
                }

                argument.AddError($"\"{text}\" is no http or https URL, such as http://localhost:8080/default/my-broker.");
                return null;
            },
        };
        var type = new Option<string>("--type", "-t") { Description = "Attribute type", DefaultValueFactory = _ => "brokkr.send" };
        var source = new Option<string>("--source", "-s") { Description = "Attribute source", DefaultValueFactory = _ => "/brokkr/send" };
        var id = new Option<string?>("--id") { Description = "Attribute id; with --count the first part of it. Default: a new one" };
        var subject = new Option<string?>("--subject") { Description = "Attribute subject" };
        var time = new Option<string?>("--time") { Description = "Attribute time, such as 2026-01-31T12:00:00Z. Default: now" };
        var contentType = new Option<string?>("--datacontenttype")
        {
            Description = "Attribute datacontenttype. Default: what the data looks like",
        };
        var extension = new Option<string[]>("--extension", "-e")
        {
            Description = "Extension as name=value; may be given several times",
            AllowMultipleArgumentsPerToken = true,
        };
        var data = new Option<string?>("--data", "-d") { Description = "The data, as text" };
        var file = new Option<string?>("--file", "-f") { Description = "File with the data; - for standard input" };
        var count = new Option<long>("--count", "-n") { Description = "How many events to send", DefaultValueFactory = _ => 1 };
        var rate = new Option<double>("--rate", "-r") { Description = "Events per second. Default: as many as will go" };
        var concurrency = new Option<int>("--concurrency", "-c")
        {
            Description = "Requests at a time. With more than one, events may arrive in another order",
            DefaultValueFactory = _ => 1,
        };
        var timeout = new Option<double>("--timeout") { Description = "Seconds that one request may take", DefaultValueFactory = _ => 30 };
        var output = new Option<string>("--output", "-o") { Description = "How to print the result", DefaultValueFactory = _ => "text" };
        output.AcceptOnlyFromAmong("text", "json");
        CommandLineValues.Require(count, value => value >= 1, "must be at least 1");
        CommandLineValues.Require(rate, value => value >= 0 && double.IsFinite(value), "must not be negative");
        CommandLineValues.Require(concurrency, value => value is >= 1 and <= 10_000, "must be from 1 to 10000");
        CommandLineValues.Require(timeout, value => value is > 0 and <= 86_400, "must be from 0 to 86400 seconds");

        var command = new Command("send", "Send events, and say what became of them. The exit code is 0 if every event was accepted")
        {
            url,
            type,
            source,
            id,
            subject,
            time,
            contentType,
            extension,
            data,
            file,
            count,
            rate,
            concurrency,
            timeout,
            output,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(data) is not null && result.GetResult(file) is not null)
            {
                result.AddError("--data and --file exclude each other.");
            }
        });
        command.SetAction(
            (parsed, _) =>
                RunAsync(
                    new SendOptions
                    {
                        Url = parsed.GetRequiredValue(url),
                        Type = parsed.GetRequiredValue(type),
                        Source = parsed.GetRequiredValue(source),
                        Id = parsed.GetValue(id),
                        Subject = parsed.GetValue(subject),
                        Time = parsed.GetValue(time),
                        DataContentType = parsed.GetValue(contentType),
                        Extensions = parsed.GetValue(extension) ?? [],
                        Count = parsed.GetValue(count),
                        Rate = parsed.GetValue(rate),
                        Concurrency = parsed.GetValue(concurrency),
                        Timeout = TimeSpan.FromSeconds(parsed.GetValue(timeout)),
                    },
                    parsed.GetValue(data),
                    parsed.GetValue(file),
                    json: string.Equals(parsed.GetValue(output), "json", StringComparison.Ordinal)
                )
        );
        return command;
    }

    private static async Task<int> RunAsync(SendOptions options, string? data, string? file, bool json)
    {
        using var signals = new ShutdownSignals();
        var result = new SendResult();
        try
        {
            var template = EventTemplate.Create(options, await DataAsync(data, file, signals.Stopping), TimeProvider.System);
            await using var progress = new ProgressBar(
                Console.IsErrorRedirected ? null : Console.Error,
                options.Count,
                () => result.Count,
                TimeProvider.System
            );
            await new Sender(options, template, result, TimeProvider.System).RunAsync(signals.Stopping);
        }
        catch (ConfigurationException e)
        {
            await Console.Error.WriteLineAsync($"brokkr send: {e.Message}");
            return 1;
        }

        if (json)
        {
            await using var output = Console.OpenStandardOutput();
            result.WriteJson(output);
            output.Write("\n"u8);
        }
        else
        {
            result.WriteText(Console.Out);
        }

        foreach (var (id, why) in result.Problems())
        {
            await Console.Error.WriteLineAsync($"brokkr send: event {id}: {why}");
        }

        return result.IsGood && result.Count == options.Count ? 0 : 1;
    }

    private static async Task<byte[]> DataAsync(string? data, string? file, CancellationToken cancellation)
    {
        if (file is null)
        {
            return System.Text.Encoding.UTF8.GetBytes(data ?? "");
        }

        try
        {
            if (file is not "-")
            {
                return await File.ReadAllBytesAsync(file, cancellation);
            }

            var bytes = new MemoryStream();
            await using var input = Console.OpenStandardInput();
            await input.CopyToAsync(bytes, cancellation);
            return bytes.ToArray();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"--file: {e.Message}", e);
        }
    }
}
