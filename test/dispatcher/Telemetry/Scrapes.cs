using System.Buffers;
using System.Globalization;
using System.Text;
using Brokkr.Core.Telemetry;

namespace Brokkr.Dispatcher.Tests.Telemetry;

/// <summary>The metrics of the process as a scraper gets them.</summary>
internal static class Scrapes
{
    /// <summary>The value of the one series with this name and these labels; null if there is none.</summary>
    public static double? Value(string text, string name, params string[] labels)
    {
        var lines = Lines(text, name, labels);
        return lines.Count == 0 ? null : ValueOf(Assert.Single(lines));
    }

    /// <summary>The lines of the series with this name and these labels.</summary>
    public static IReadOnlyList<string> Lines(string text, string name, params string[] labels) =>
        [
            .. text.Split('\n')
                .Where(line =>
                    line.StartsWith(name + "{", StringComparison.Ordinal)
                    && labels.All(label => line.Contains(label, StringComparison.Ordinal))
                ),
        ];

    /// <summary>Brings the metrics up to date and reads them.</summary>
    public static async Task<string> ScrapeAsync(this PrometheusMetrics metrics)
    {
        await metrics.RefreshAsync(TestContext.Current.CancellationToken);
        var output = new ArrayBufferWriter<byte>();
        metrics.Write(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private static double ValueOf(string line) => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
}
