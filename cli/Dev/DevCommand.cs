using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Brokkr.Cli.Hosting;
using Brokkr.Cli.Logging;
using Brokkr.Core.Configuration;
using Microsoft.Extensions.Logging;

namespace Brokkr.Cli.Dev;

/// <summary><c>brokkr dev</c>: a whole broker for one machine.</summary>
internal static class DevCommand
{
    public static Command Create()
    {
        var folder = new Argument<string>("FOLDER")
        {
            Description = "Folder with Broker, Trigger and KafkaSink objects in YAML; watched for changes",
            DefaultValueFactory = _ => ".",
        };
        var kafka = new Option<string?>("--kafka")
        {
            Description = "Keep events on this Kafka instead of in the data folder",
            HelpName = "HOST:PORT",
        };
        var data = new Option<string?>("--data")
        {
            Description = "Where events are kept; one process at a time. Default: .brokkr in FOLDER",
            HelpName = "DIR",
        };
        var tokens = new Option<string?>("--tokens")
        {
            Description = "Folder with a token for each audience, for subscribers that have one",
            HelpName = "DIR",
        };
        var port = new Option<int>("--port", "-p")
        {
            Description = "Port to listen on; 0 for any free one",
            DefaultValueFactory = _ => 8080,
        };
        var address = new Option<IPAddress>("--address")
        {
            Description = "Address to listen on; 0.0.0.0 to be reached from other machines",
            DefaultValueFactory = _ => IPAddress.Loopback,
            CustomParser = CommandLineValues.Address,
        };
        var verbose = new Option<bool>("--verbose", "-v") { Description = "Print what the parts do, not only what goes wrong" };
        CommandLineValues.Range(port, 0, 65_535);
        var command = new Command(
            "dev",
            "Run a whole broker in one process, on the YAML files of a folder. No Kafka and no Kubernetes needed"
        )
        {
            folder,
            kafka,
            data,
            tokens,
            port,
            address,
            verbose,
        };
        command.SetAction(
            (parsed, _) =>
                RunAsync(
                    new DevOptions
                    {
                        Folder = parsed.GetRequiredValue(folder),
                        Kafka = parsed.GetValue(kafka),
                        Data = parsed.GetValue(data),
                        Tokens = parsed.GetValue(tokens),
                        Port = parsed.GetValue(port),
                        Address = parsed.GetRequiredValue(address),
                    },
                    parsed.GetValue(verbose)
                )
        );
        return command;
    }

    private static async Task<int> RunAsync(DevOptions options, bool verbose)
    {
        using var signals = new ShutdownSignals();
        var console = DevConsole.Standard(TimeProvider.System);
        var filter = new LoggerFilterOptions { MinLevel = verbose ? LogLevel.Information : LogLevel.Warning };
        using var loggers = new LoggerFactory([new ConsoleLoggerProvider(console)], filter);
        try
        {
            await using (await DevServer.StartAsync(options, console, loggers, TimeProvider.System, signals.Stopping))
            {
                console.Text(console.Paint(Tone.Faint, "Press Ctrl-C to end."));
                await signals.Stopping.WhenCancelledAsync();
                console.Text("Ending; press Ctrl-C again to end at once.");
            }

            return 0;
        }
        catch (OperationCanceledException) when (signals.Stopping.IsCancellationRequested)
        {
            return 0;
        }
        catch (ConfigurationException e)
        {
            await Console.Error.WriteLineAsync($"brokkr dev: {e.Message}");
            return 1;
        }
        catch (IOException e) when (e.InnerException is SocketException or Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            await Console.Error.WriteLineAsync($"brokkr dev: {e.Message} Choose another port with --port.");
            return 1;
        }
    }
}
