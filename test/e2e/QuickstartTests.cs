using System.Globalization;
using Brokkr.EndToEnd.Tests.Parts;
using Brokkr.Testing;
using Brokkr.Testing.Processes;

namespace Brokkr.EndToEnd.Tests;

/// <summary>samples/quickstart, step by step as its README says, on ports of our own.</summary>
public sealed class QuickstartTests
{
    [Fact]
    public async Task The_quickstart_delivers_replies_retries_and_dead_letters()
    {
        var ports = Enumerable.Range(0, 3).Select(_ => FreePort.Next().ToString(CultureInfo.InvariantCulture)).ToArray();
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "samples", "quickstart"), "*.yaml"))
        {
            var text = await File.ReadAllTextAsync(file);
            folder.Write(Path.GetFileName(file), text.Replace("9001", ports[0]).Replace("9002", ports[1]).Replace("9003", ports[2]));
        }

        await using var dev = new Dev(folder);
        await dev.StartAsync("orders");
        await using var warehouse = Display(ports[0], "--reply-type", "com.example.order.shipped");
        await using (var customer = Display(ports[1], "--fail-first", "1"))
        {
            await PlaceAsync(dev);
            await warehouse.LineAsync("com\\.example\\.order\\.placed");
            await customer.LineAsync("com\\.example\\.order\\.shipped");
        }

        await using var failing = Display(ports[1], "--status", "500");
        await using var letters = Display(ports[2]);
        await PlaceAsync(dev);
        await letters.LineAsync("com\\.example\\.order\\.shipped");
        await letters.LineAsync("knativeerrorcode.*500");
        Assert.Equal(0, await dev.Process.TerminateAsync());
    }

    private static ChildProcess Display(string port, params string[] options) =>
        BrokkrProcess.Start(["display", "--port", port, .. options]);

    private static Task<string> PlaceAsync(Dev dev) =>
        BrokkrProcess.RunAsync(["send", dev.Url("orders"), "--type", "com.example.order.placed", "--data", """{"order":1}"""]);
}
