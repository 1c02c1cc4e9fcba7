using Brokkr.Core.Configuration;
using Microsoft.Extensions.Logging;

namespace Brokkr.Core.Contract;

/// <summary>How a contract file is watched.</summary>
public sealed record ContractFileOptions
{
    /// <summary>How often the file is looked at although no change was reported: watches can be lost without notice. Default 10 s.</summary>
    public TimeSpan RereadInterval { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>
/// The contract in a file, or in the files of a folder, read again at every change (receiver-and-core §3.6). The folder that holds the file is watched,
/// because the kubelet replaces mounted files by swapping a symbolic link beside them.
/// <para>
/// A contract is published if its generation differs from the last one read, be it smaller. What cannot be read or is no contract, an empty file included,
/// leaves the last contract in force and the remembered generation untouched; only an empty file that is the very first thing read is published, as a
/// contract without resources, so that a role knows that there is nothing to serve yet. A deleted file changes nothing.
/// </para>
/// <para>Of a folder every file that is no dot file is a contract of its own; what is published is all of them together, and a file that goes takes its resources along.</para>
/// </summary>
public sealed class ContractFile : IContractSource, IAsyncDisposable
{
    private readonly string _path;
    private readonly string _folder;
    private readonly bool _many;
    private readonly ILogger _logger;
    private readonly ContractPublisher _publisher = new();
    private readonly SortedDictionary<string, Part> _parts = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly FolderWatch _watch;
    private readonly Task _loop;
    private ulong _published;
    private long _reads;

    /// <summary>Reads the contract and starts to watch it. It has been read once, if that is possible, when this returns.</summary>
    /// <param name="path">A file, which need not exist yet, or a folder of files.</param>
    /// <param name="time">Drives the periodic re-read.</param>
    /// <param name="logger">Gets what was read and what could not be.</param>
    /// <param name="options">How to watch.</param>
    /// <exception cref="ConfigurationException">The folder of the file does not exist.</exception>
    public ContractFile(string path, TimeProvider time, ILogger logger, ContractFileOptions? options = null)
    {
        _path = Path.GetFullPath(path);
        _many = Directory.Exists(_path);
        _folder = _many ? _path : Path.GetDirectoryName(_path) ?? _path;
        _logger = logger;
        if (!Directory.Exists(_folder))
        {
            throw new ConfigurationException(
                $"The folder {_folder} of the contract {_path} does not exist: mount it, or set DATA_PLANE_CONFIG_FILE_PATH to the file that holds the contract."
            );
        }

        var interval = (options ?? new ContractFileOptions()).RereadInterval;
        _watch = new FolderWatch(_folder, interval, time, error => _logger.ContractWatchLost(_folder, error));
        Reread();
        _loop = Task.Run(FollowAsync);
    }

    /// <inheritdoc/>
    public Wire.Contract? Current => _publisher.Current;

    /// <summary>How often the files have been looked at.</summary>
    internal long Reads => Interlocked.Read(ref _reads);

    /// <inheritdoc/>
    public IDisposable Subscribe(Action<Wire.Contract> onChange) => _publisher.Subscribe(onChange);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _watch.Dispose();
        _stop.Dispose();
    }

    private async Task FollowAsync()
    {
        while (await _watch.WaitAsync(_stop.Token))
        {
            try
            {
                Reread();
            }
            catch (Exception e)
            {
                // The watch goes on whatever a subscriber does with a contract.
                _logger.ContractNotApplied(e);
            }

            Interlocked.Increment(ref _reads);
        }
    }

    private void Reread()
    {
        var changed = _watch.TakeChanged();
        var applied = false;
        foreach (var file in Files())
        {
            applied |= Reread(file, changed);
        }

        if (_many)
        {
            applied |= ForgetDeleted();
        }

        if (applied || (_many && Current is null && Directory.Exists(_path)))
        {
            Publish();
        }
    }

    private bool Reread(string file, bool changed)
    {
        if (!_parts.TryGetValue(file, out var part))
        {
            _parts[file] = part = new Part();
        }

        byte[] bytes;
        try
        {
            var stamp = Stamp.Of(file);
            if (!changed && stamp == part.Stamp)
            {
                return false;
            }

            bytes = File.ReadAllBytes(file);
            part.Stamp = stamp;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Said once, not at every look.
            if (!string.Equals(part.Problem, e.Message, StringComparison.Ordinal))
            {
                part.Problem = e.Message;
                _logger.ContractUnreadable(file, e.Message);
            }

            return false;
        }

        part.Problem = null;
        if (bytes.Length == 0 && part.Contract is null)
        {
            _logger.ContractEmpty(file);
            part.Contract = new Wire.Contract();
            return true;
        }

        try
        {
            var contract = ContractFormat.Read(bytes);
            if (contract.Generation == part.Generation)
            {
                return false;
            }

            part.Generation = contract.Generation;
            part.Contract = contract;
            _logger.ContractRead(contract.Generation, file, contract.Resources.Count);
            return true;
        }
        catch (ContractFormatException e)
        {
            // A swap is noticed more than once; each broken version is said once.
            if (part.Refused != part.Stamp)
            {
                part.Refused = part.Stamp;
                _logger.ContractInvalid(file, e.Message);
            }

            return false;
        }
    }

    private IEnumerable<string> Files()
    {
        if (!_many)
        {
            return [_path];
        }

        try
        {
            return [.. Directory.EnumerateFiles(_path).Where(file => !Path.GetFileName(file).StartsWith('.'))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _logger.ContractUnreadable(_path, e.Message);
            return [.. _parts.Keys];
        }
    }

    private bool ForgetDeleted()
    {
        if (!Directory.Exists(_path))
        {
            return false;
        }

        var gone = _parts.Keys.Where(file => !File.Exists(file)).ToList();
        foreach (var file in gone)
        {
            _parts.Remove(file);
        }

        return gone.Count > 0;
    }

    private void Publish()
    {
        if (!_many)
        {
            _publisher.Publish(_parts[_path].Contract!);
            return;
        }

        var together = new Wire.Contract { Generation = ++_published };
        foreach (var part in _parts.Values)
        {
            if (part.Contract is { } contract)
            {
                together.Resources.Add(contract.Resources);
                foreach (var bundle in contract.TrustBundles)
                {
                    if (!together.TrustBundles.Contains(bundle))
                    {
                        together.TrustBundles.Add(bundle);
                    }
                }
            }
        }

        _publisher.Publish(together);
    }

    /// <summary>What is known of one file.</summary>
    private sealed class Part
    {
        public Wire.Contract? Contract { get; set; }

        /// <summary>Of the last contract that could be read; null before the first.</summary>
        public ulong? Generation { get; set; }

        public Stamp? Stamp { get; set; }

        /// <summary>Of the last version that was no contract.</summary>
        public Stamp? Refused { get; set; }

        public string? Problem { get; set; }
    }

    /// <summary>Tells without reading whether a file is still the same: the file itself, not the symbolic links that lead to it.</summary>
    private sealed record Stamp(string Target, long Length, DateTime Written)
    {
        public static Stamp Of(string file)
        {
            var target = File.ResolveLinkTarget(file, returnFinalTarget: true) ?? new FileInfo(file);
            return new Stamp(target.FullName, ((FileInfo)target).Length, target.LastWriteTimeUtc);
        }
    }
}
