using System.CommandLine;
using System.Net;
using Brokkr.Cli.Hosting;

namespace Brokkr.Cli.Display;

/// <summary><c>brokkr display</c>: a subscriber for trying things out.</summary>
internal static class DisplayCommand
{
    public static Command Create()
    {
        var port = new Option<int>("--port", "-p")
        {
            Description = "Port to listen on; 0 for any free one",
            DefaultValueFactory = _ => 9001,
        };
        var address = new Option<IPAddress>("--address")
        {
            Description = "Address to listen on; 0.0.0.0 to be reached from other machines",
            DefaultValueFactory = _ => IPAddress.Loopback,
            CustomParser = CommandLineValues.Address,
        };
        var replyType = new Option<string?>("--reply-type")
        {
            Description = "Answer each event with an event of this type, with the same data",
        };
        var failFirst = new Option<int>("--fail-first")
        {
            Description = "Fail the first N attempts at each event, then accept it",
            HelpName = "N",
        };
        var status = new Option<int?>("--status")
        {
            Description = "Status to answer with. With --fail-first that of the failed attempts. Default: 200, and 503 for failures",
        };
        var delay = new Option<int>("--delay") { Description = "Milliseconds to wait before each answer", HelpName = "MS" };
        var output = new Option<string>("--output", "-o")
        {
            Description = "How to print events; json is one object per line",
            DefaultValueFactory = _ => "text",
        };
        output.AcceptOnlyFromAmong("text", "json");
        CommandLineValues.Range(port, 0, 65_535);
        CommandLineValues.Range(failFirst, 0, int.MaxValue);
        CommandLineValues.Range(delay, 0, 86_400_000);
        CommandLineValues.Require(status, value => value is >= 200 and <= 599, "must be from 200 to 599");
        var command = new Command("display", "Be a subscriber: print each event, and reply, fail or dawdle on request")
        {
            port,
            address,
            replyType,
            failFirst,
            status,
            delay,
            output,
        };
        command.SetAction(
            (parsed, _) =>
                RunAsync(
                    new DisplayOptions
                    {
                        Port = parsed.GetValue(port),
                        Address = parsed.GetRequiredValue(address),
                        ReplyType = parsed.GetValue(replyType),
                        FailFirst = parsed.GetValue(failFirst),
                        Status = parsed.GetValue(status),
                        Delay = TimeSpan.FromMilliseconds(parsed.GetValue(delay)),
                        Json = string.Equals(parsed.GetValue(output), "json", StringComparison.Ordinal),
                    }
                )
        );
        return command;
    }

    private static async Task<int> RunAsync(DisplayOptions options)
    {
        using var signals = new ShutdownSignals();
        try
        {
            await using var server = await DisplayServer.StartAsync(options, Console.Out, TimeProvider.System, signals.Stopping);
            await Console.Error.WriteLineAsync($"Displaying what arrives at http://localhost:{server.Port}/ (Ctrl-C ends)");
            await signals.Stopping.WhenCancelledAsync();
            return 0;
        }
        catch (IOException e)
        {
            await Console.Error.WriteLineAsync($"brokkr display: {e.Message} Choose another port with --port.");
            return 1;
        }
    }
}
