namespace Brokkr.Cli.Send;

/// <summary>Shows on a terminal how far a long run is. Nothing is shown of short runs, nor where nobody looks.</summary>
internal sealed class ProgressBar : IAsyncDisposable
{
    private const int Width = 30;
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(200);

    private readonly ITimer? _timer;
    private readonly TextWriter _to;
    private readonly long _total;
    private readonly Func<long> _done;
    private readonly TimeProvider _time;
    private readonly long _start;
    private int _shown;

    /// <param name="to">The terminal; null for none.</param>
    /// <param name="total">What 100 per cent is.</param>
    /// <param name="done">How far it is.</param>
    /// <param name="time">The clock.</param>
    public ProgressBar(TextWriter? to, long total, Func<long> done, TimeProvider time)
    {
        _to = to ?? TextWriter.Null;
        _total = total;
        _done = done;
        _time = time;
        _start = time.GetTimestamp();
        _timer = to is null || total < 2 ? null : time.CreateTimer(_ => Show(), null, Quiet, Step);
    }

    /// <summary>The line that is shown.</summary>
    public static string Line(long done, long total, TimeSpan elapsed)
    {
        var share = (double)done / total;
        var rate = done / Math.Max(elapsed.TotalSeconds, 0.001);
        var bar = new string('#', (int)(share * Width)).PadRight(Width, '.');
        var left = rate > 0 ? $", {TimeSpan.FromSeconds(Math.Min((total - done) / rate, 359_999)):h\\:mm\\:ss} left" : "";
        return $"[{bar}] {share:P0} {done}/{total}, {rate:0}/s{left}";
    }

    public async ValueTask DisposeAsync()
    {
        if (_timer is not null)
        {
            await _timer.DisposeAsync();
            if (_shown > 0)
            {
                await _to.WriteAsync("\r" + new string(' ', _shown) + "\r");
            }
        }
    }

    private void Show()
    {
        var line = Line(_done(), _total, _time.GetElapsedTime(_start));
        _to.Write("\r" + line.PadRight(_shown));
        _shown = line.Length;
    }
}
